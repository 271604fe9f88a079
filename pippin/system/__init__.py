"""What any program needs of its host: processes, logs, tracing, scratch folders, facts about the machine."""
