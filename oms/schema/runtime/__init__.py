"""What the files of all concepts use: declarations of fields, the context, loaders, commands, errors."""
