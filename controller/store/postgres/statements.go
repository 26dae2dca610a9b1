package postgres

import (
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// statement is one SQL text, prepared once for each connection that runs it.
type statement struct {
	name string // what it is prepared as, and what errors call it
	text string
}

// named returns a statement whose text is made of parts, each a line or more.
func named(name string, parts ...string) *statement {
	return &statement{name: name, text: strings.Join(parts, "\n")}
}

func (st *statement) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("postgres: %s: %w", st.name, err)
}

// perEvent is one statement for each event, unknown ones too.
type perEvent [256]*statement

// statements are all that a store runs. They are built once, from its table.
type statements struct {
	create                         *statement
	get, lookup, list, children    *statement
	transitions, transitionsOf     *statement
	apply, applyChildless          perEvent // nil for events that move nothing
	stored, storedChildless, lock  *statement
	beat                           perEvent
	register, updateCard           *statement
	expireBoots, expireSilent      *statement // nil where the table has no such edge
	anyLaunches, claimLaunches     *statement
	attach, release, deferLaunch   *statement
	setStatus, editRead, editWrite *statement
	reset, resetFiles              *statement
}

func newStatements(table *lifecycle.Table) *statements {
	s := &statements{}
	s.buildCreate()
	s.buildReads()
	s.buildApply(table)
	s.buildAgent(table)
	s.buildSweeps(table)
	s.buildMachines()
	s.buildUnguarded()
	s.buildReset()
	return s
}

// outcomeOf completes an UPDATE of one workspace that returns (was, status, incarnation, seq, flag): where it changed no
// row, the result has one row, that says what the statement's snapshot holds, and its own flag; where there is no such
// workspace, it has none.
//
// That the snapshot's row would have been changed and was not, means that another transaction changed it meanwhile: the
// guard is judged again on the row as it is when its lock is had, and failed there. Then the caller tries again, with a
// fresh snapshot.
func outcomeOf(update, storedFlag string) string {
	return fmt.Sprintf(`WITH changed AS (
%s
)
SELECT true, was, status, incarnation, seq, flag FROM changed
UNION ALL
SELECT false, status, status, incarnation, NULL, %s FROM workspaces
WHERE id = $1 AND NOT EXISTS (SELECT FROM changed)`, update, storedFlag)
}
