package kv

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// rowChecks tell, by span, why a row of a snapshot is none that this server would have
// written. Own is the row's own key. The state row, which comes first, is checked apart.
var rowChecks = map[span]func(order keyspace.Order, own, value []byte) error{
	spanRecords:  checkRecordRow,
	spanIndexes:  checkIndexRow,
	spanSessions: checkSessionRow,
	spanOwned:    checkOwnedRow,

	spanNotifications: checkNotificationsRow,
	spanClients:       checkClientRow,
	spanAnswers:       checkAnswerRow,
	spanAges:          checkAgeRow,
}

func checkRecordRow(order keyspace.Order, own, value []byte) error {
	key, known := decodeKey(order, own)
	if !known {
		return fmt.Errorf("record %q: its key is not one of the %s order", key, order)
	}
	if _, err := decodeRecord(value); err != nil {
		return fmt.Errorf("record %q: %w", key, err)
	}
	return nil
}

// errRowValue is the complaint about a row that should have no more than a key.
var errRowValue = errors.New("it has a value")

func checkIndexRow(order keyspace.Order, own, value []byte) error {
	_, err := parseIndexKey(own, order)
	if err == nil && len(value) > 0 {
		err = errRowValue
	}
	if err != nil {
		return fmt.Errorf("row %x of an index: %w", own, err)
	}
	return nil
}

func checkSessionRow(_ keyspace.Order, own, value []byte) error {
	if _, err := decodeSession(own, value); err != nil {
		return fmt.Errorf("session %x: %w", own, err)
	}
	return nil
}

func checkNotificationsRow(_ keyspace.Order, own, value []byte) error {
	_, err := notificationOffset(own)
	if err == nil {
		_, _, err = decodeNotifications(value)
	}
	if err != nil {
		return fmt.Errorf("notifications %x: %w", own, err)
	}
	return nil
}

func checkClientRow(_ keyspace.Order, own, value []byte) error {
	if _, err := decodeClient(own, value); err != nil {
		return fmt.Errorf("client %x: %w", own, err)
	}
	return nil
}

func checkAnswerRow(_ keyspace.Order, own, value []byte) error {
	if len(own) != onceClientBytes+8 {
		return fmt.Errorf("answer %x: %w", own, errClientKey)
	}
	if _, _, err := decodeAnswer(value); err != nil {
		return fmt.Errorf("answer %x: %w", own, err)
	}
	return nil
}

func checkAgeRow(_ keyspace.Order, own, value []byte) error {
	if _, known := parseAge(own); !known {
		return fmt.Errorf("age %x: %w", own, errClientKey)
	}
	if len(value) > 0 {
		return fmt.Errorf("age %x: %w", own, errRowValue)
	}
	return nil
}

func checkOwnedRow(order keyspace.Order, own, value []byte) error {
	if len(own) < 8 {
		return fmt.Errorf("row %x of a session's records: it names no session", own)
	}
	session := binary.BigEndian.Uint64(own)
	key, known := decodeKey(order, own[8:])
	if !known {
		return fmt.Errorf("record %q of session %d: its key is not one of the %s order", key, session, order)
	}
	if len(value) > 0 {
		return fmt.Errorf("record %q of session %d: %w", key, session, errRowValue)
	}
	return nil
}
