package ec2wire

import "encoding/base64"

// WriteConsole appends to what the machine's console shows; the last 64 KiB are kept. It is an error where no machine has
// the id.
func (s *Server) WriteConsole(id, text string) error {
	return s.with(id, func(r *request, m *machine) { m.write([]byte(text), r.now) })
}

// getConsoleOutput shows a machine's console, also when the machine has ended: why a boot died is asked afterwards.
func (r *request) getConsoleOutput() (reply, *apiError) {
	id := r.text("InstanceId")
	if id == "" {
		return nil, errMissing("InstanceId")
	}
	if !instanceIDForm.MatchString(id) {
		return nil, errMalformedID(id)
	}
	m := r.fleet.byID[id]
	if !r.visible(m) {
		return nil, errUnknownIDs([]string{id})
	}
	out := &struct {
		meta
		InstanceID string `xml:"instanceId"`
		Timestamp  string `xml:"timestamp"`
		Output     string `xml:"output,omitempty"` // EC2 leaves it out until there is some
	}{InstanceID: id, Timestamp: stamp(r.now)}
	if len(m.console) > 0 {
		out.Timestamp = stamp(m.consoleAt)
		out.Output = base64.StdEncoding.EncodeToString(m.console)
	}
	return out, nil
}
