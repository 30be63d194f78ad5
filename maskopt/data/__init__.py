"""From a source of pictures to one array of pixels."""
