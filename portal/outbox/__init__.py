"""What leaves after commit: announced topics, the mails that follow from them, and their delivery."""
