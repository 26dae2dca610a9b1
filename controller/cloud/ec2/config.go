package ec2

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Config says which machines to launch, and where.
type Config struct {
	// Deployment tells this controller's machines from those of others in the account: up to 64 letters, digits, dots,
	// dashes and underscores. Required, but with ListOnly, where none stands for all that there are.
	Deployment string `json:"deployment"`
	// Region is where to launch. Required on real AWS; us-east-1 by default elsewhere.
	Region string `json:"region,omitempty"`
	// Endpoint is the URL of something that speaks EC2's protocol. Where it is empty, or one of Amazon's, this is real AWS.
	Endpoint string `json:"endpoint,omitempty"`
	// AccessKeyID and SecretAccessKey are for a custom endpoint; any will do for a fake, so there are defaults. On real AWS
	// the usual chain is asked: environment, shared configuration, role. The two never mix, so that no real credentials
	// reach a custom endpoint.
	AccessKeyID     string `json:"access_key_id,omitempty"`
	SecretAccessKey string `json:"-"`

	// AllowRealAWS must be set for real AWS, which costs money.
	AllowRealAWS bool `json:"allow_real_aws,omitempty"`
	// MaxMachines is the most live machines that the deployment may have: a launch past it is cloud.ErrCapacity. Several
	// replicas that launch at the same moment can be past it by what they have under way. Required on real AWS; 0 is no cap.
	MaxMachines int `json:"max_machines,omitempty"`
	// Expiry is how old a machine may become: it powers itself off then, and Reap terminates it. Required on real AWS; 0
	// is for ever.
	Expiry time.Duration `json:"expiry,omitempty"`

	// ListOnly is for a client that lists and terminates machines, and launches none: what only launches need is not
	// required then, and Launch and Probe are cloud.ErrRefused.
	ListOnly bool `json:"list_only,omitempty"`

	// ImageID is the machine image to boot, whose cloud-init must run user data. Required.
	ImageID          string   `json:"image_id"`
	InstanceType     string   `json:"instance_type,omitempty"` // t3.small by default
	SubnetID         string   `json:"subnet_id,omitempty"`
	SecurityGroupIDs []string `json:"security_group_ids,omitempty"`
	KeyName          string   `json:"key_name,omitempty"`
	InstanceProfile  string   `json:"instance_profile,omitempty"` // the name of an IAM instance profile
	Spot             bool     `json:"spot,omitempty"`
	// Tags are put on machines beside the package's own.
	Tags map[string]string `json:"tags,omitempty"`
	// AgentCommand is the shell command that starts the agent, run as root with the agent's environment exported. Required.
	AgentCommand string `json:"agent_command"`

	// MaxAttempts is how often one call is tried, 3 by default; AttemptTimeout is how long one try may take, 20 s by
	// default. The context of a call bounds them both.
	MaxAttempts    int           `json:"max_attempts,omitempty"`
	AttemptTimeout time.Duration `json:"attempt_timeout,omitempty"`
	// Settle is how long EC2 may take until it knows a machine that it launched; 30 s by default.
	Settle time.Duration `json:"settle,omitempty"`

	// Transport carries the calls, and Now is the clock; both have defaults.
	Transport http.RoundTripper `json:"-"`
	Now       func() time.Time  `json:"-"`
	// Wait waits before another attempt, and Jitter draws from [0, 1) how much of the longest pause that is. Where Wait is not
	// set, the SDK waits by the machine's clock, whatever Now says. Where it is, the Transport has to end what takes longer than
	// AttemptTimeout.
	Wait   func(ctx context.Context, d time.Duration) error `json:"-"`
	Jitter func() float64                                   `json:"-"`
}

var (
	deploymentForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	imageForm      = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)
)

// Validate reports everything that keeps the configuration from being used.
func (c Config) Validate() error {
	var problems []error
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("ec2: "+format, args...))
	}
	if !deploymentForm.MatchString(c.Deployment) && (!c.ListOnly || c.Deployment != "") {
		problem("deployment %q is not made of up to 64 letters, digits, dots, dashes and underscores", c.Deployment)
	}
	if !c.ListOnly && !imageForm.MatchString(c.ImageID) {
		problem("image_id %q is no machine image", c.ImageID)
	}
	if !c.ListOnly && strings.TrimSpace(c.AgentCommand) == "" {
		problem("agent_command is empty: nothing would run on the machines")
	}
	for name, value := range map[string]time.Duration{
		"expiry": c.Expiry, "attempt_timeout": c.AttemptTimeout, "settle": c.Settle,
	} {
		if value < 0 {
			problem("%s is %s, below zero", name, value)
		}
	}
	if c.Expiry > 0 && c.Expiry < time.Minute {
		problem("expiry is %s; machines reckon it in minutes", c.Expiry)
	}
	if c.MaxMachines < 0 || c.MaxAttempts < 0 {
		problem("max_machines or max_attempts is below zero")
	}
	for key, value := range c.Tags {
		if key == tagName || key == "" || strings.HasPrefix(key, tagPrefix) || strings.HasPrefix(strings.ToLower(key), "aws:") {
			problem("tag %q is not yours to set", key)
		}
		if len(key) > 128 || len(value) > 256 {
			problem("tag %.20q is longer than a key of 128 and a value of 256 characters", key)
		}
	}
	if len(c.Tags) > 40 {
		problem("there are %d tags; EC2 takes 50, and some are the package's own", len(c.Tags))
	}
	if c.Endpoint != "" {
		if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			problem("endpoint %q is no http or https URL", c.Endpoint)
		}
	}
	if c.RealAWS() {
		if !c.AllowRealAWS {
			problem("this is real AWS, and costs money: set allow_real_aws, or an endpoint")
		}
		if c.MaxMachines == 0 && !c.ListOnly {
			problem("real AWS needs max_machines, the most machines that may live at a time")
		}
		if c.Expiry == 0 && !c.ListOnly {
			problem("real AWS needs an expiry, the age at which a forgotten machine ends")
		}
		if c.Region == "" {
			problem("real AWS needs a region")
		}
	}
	return errors.Join(problems...)
}

// RealAWS reports whether the configuration leads to Amazon, where machines cost money. It goes by what is written here
// alone: an endpoint in the environment does not make it less real.
func (c Config) RealAWS() bool {
	if c.Endpoint == "" {
		return true
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return true
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	for _, domain := range []string{"amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn", "amazonaws.eu"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.InstanceType == "" {
		c.InstanceType = "t3.small"
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = 3
	}
	if c.AttemptTimeout == 0 {
		c.AttemptTimeout = 20 * time.Second
	}
	if c.Settle == 0 {
		c.Settle = 30 * time.Second
	}
	if c.AccessKeyID == "" {
		c.AccessKeyID, c.SecretAccessKey = "bootrace", "bootrace"
	}
	if c.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64 // the launcher makes many calls at once; by default all but two would connect anew
		c.Transport = t
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	return c
}
