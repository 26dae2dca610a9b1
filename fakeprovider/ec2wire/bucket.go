package ec2wire

import "time"

// Bucket is a token bucket: it begins full, and a call that finds too few tokens is throttled and takes none.
type Bucket struct {
	Size   float64 `json:"size"`
	Refill float64 `json:"refill"` // tokens a second
}

// AWSBuckets are the buckets of a plain AWS account, as far as they are documented.
func AWSBuckets() map[string]Bucket {
	return map[string]Bucket{
		"RunInstances":           {Size: 1000, Refill: 2},
		"DescribeInstances":      {Size: 100, Refill: 20},
		"DescribeInstanceStatus": {Size: 100, Refill: 20},
		"DescribeTags":           {Size: 100, Refill: 20},
	}
}

// level is how full a bucket was, and when.
type level struct {
	tokens float64
	at     time.Time
}

// take takes so many tokens, and reports whether there were enough.
func (l *level) take(b Bucket, tokens float64, now time.Time) bool {
	if l.at.IsZero() {
		l.tokens = b.Size
	} else if passed := now.Sub(l.at); passed > 0 { // a clock that went back refills nothing
		l.tokens = min(b.Size, l.tokens+passed.Seconds()*b.Refill)
	}
	l.at = now
	if l.tokens < tokens {
		return false
	}
	l.tokens -= tokens
	return true
}
