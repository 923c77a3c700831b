"""Plain-data answers that the command line, the API and assistants share."""
