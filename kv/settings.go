package kv

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// DefaultNotificationRetentionMs is how long notifications are kept where a shard's
// settings say nothing of it: an hour, in milliseconds.
const DefaultNotificationRetentionMs = 60 * 60 * 1000

// maxSettingsBytes bounds the settings that a barrier brings: they are in the shard's
// own row, which every batch writes. It is a rule of the entry's kind, and frozen.
const maxSettingsBytes = 4 << 10

// barrier takes in the settings that a barrier brings. The shard's first entry fixes
// the order of its keys, whatever it is: from then on there may be rows.
func (a *applier) barrier(id EntryID, body []byte) (Outcome, error) {
	var settings api.ShardSettings
	if proto.Unmarshal(body, &settings) != nil {
		return Malformed, nil
	}
	order, known := orderOf(settings.GetKeyOrder())
	if !known || len(body) > maxSettingsBytes {
		return Refused, nil
	}
	if id.Offset == 1 {
		a.state.order = order
	}
	if len(body) == 0 || bytes.Equal(body, a.state.settings) {
		return Applied, nil
	}
	a.state.settings = bytes.Clone(body)
	a.digester.add(mutationSet, []byte{byte(spanState)}, body)
	return Applied, a.setSilent(id, settings.GetNotificationsDisabled())
}

// setSilent turns notifications off, and drops those that there are, or on.
func (a *applier) setSilent(id EntryID, silent bool) error {
	was := a.state.silent
	a.state.silent = silent
	switch {
	case silent && !was:
		return a.trimNotifications(id.Offset - 1)
	case was && !silent:
		a.state.trimmed = id.Offset
	}
	return nil
}

// orderOf returns the order that settings name, if this version knows it.
func orderOf(order api.KeyOrder) (keyspace.Order, bool) {
	switch order {
	case api.KeyOrder_KEY_ORDER_HIERARCHICAL:
		return keyspace.Hierarchical, true
	case api.KeyOrder_KEY_ORDER_NATURAL:
		return keyspace.Natural, true
	}
	return 0, false
}

// Settings returns the settings of a shard, as the applied entries have made them,
// and never nil without an error: a shard that was told none has the zero ones. The
// order is the one that its keys are in, whatever later settings said of it, and a
// retention that is not set is the default one. The caller owns them.
//
// The error is a *ShardIDError or storage's.
func (db *DB) Settings(shard ShardID) (*api.ShardSettings, error) {
	state, err := db.readState(shard)
	if err != nil {
		return nil, err
	}
	settings := &api.ShardSettings{}
	if err := proto.Unmarshal(state.settings, settings); err != nil {
		return nil, &CorruptionError{Shard: shard, Row: "state", Detail: fmt.Sprintf("its settings: %v", err)}
	}
	settings.KeyOrder = api.KeyOrder_KEY_ORDER_HIERARCHICAL
	if state.order == keyspace.Natural {
		settings.KeyOrder = api.KeyOrder_KEY_ORDER_NATURAL
	}
	if settings.GetNotificationRetentionMs() <= 0 {
		settings.NotificationRetentionMs = DefaultNotificationRetentionMs
	}
	return settings, nil
}
