package testproc

const wholeNet = true
