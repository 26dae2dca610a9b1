package docker

// LosesCount is losesCount.
var LosesCount = losesCount
