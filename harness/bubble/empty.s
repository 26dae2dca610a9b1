// A file in assembly lets label have no body.
