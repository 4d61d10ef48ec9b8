"""The connections of a web process below its application, with the bounds that uvicorn lacks."""
