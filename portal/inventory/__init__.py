"""What is free: holds, closed cabins, and the nights they take."""
