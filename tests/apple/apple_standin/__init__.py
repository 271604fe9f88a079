"""What stands behind the modules `CoreML`, `Foundation`, `objc` and `Quartz` of this folder, where there is no Mac."""
