package oracle

// Asked is one choice that was asked for.
type Asked struct {
	Point  Point
	N      uint64
	Answer uint64
}

// Log is what a run asked an oracle, in order.
type Log struct{ Asked []Asked }

// Logged returns an oracle that answers as the other does and writes down what it is asked.
func Logged(o Oracle) (Oracle, *Log) {
	log := &Log{}
	if p, ok := o.(Picker); ok {
		return &loggedPicker{logged{p, log}, p}, log
	}
	return &logged{o, log}, log
}

type logged struct {
	oracle Oracle
	log    *Log
}

// Choose implements Oracle.
func (l *logged) Choose(p Point, n uint64) uint64 {
	a := l.oracle.Choose(p, n)
	l.log.Asked = append(l.log.Asked, Asked{p, n, a})
	return a
}

type loggedPicker struct {
	logged
	picker Picker
}

// Pick implements Picker.
func (l *loggedPicker) Pick(tasks []uint64) int {
	i := l.picker.Pick(tasks)
	l.log.Asked = append(l.log.Asked, Asked{Task, uint64(len(tasks)), uint64(i)})
	return i
}
