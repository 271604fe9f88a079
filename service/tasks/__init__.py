"""What is done in the sandbox, on files that nobody vouches for. The service itself imports none of these modules."""
