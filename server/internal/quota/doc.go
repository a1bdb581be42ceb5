// Package quota bounds what one client can have of the daemon at a time: requests in progress, and
// bytes of request bodies in memory.
//
//	q := quota.New(quota.Limits{Requests: 512, Bytes: 256 << 20, All: 512 << 20})
//	share, ok := q.Enter("token:ci")
//	defer share.Leave()
//	ok = share.Take(int64(len(chunk)))
//
// What is taken is given back when the share's last holder leaves. A request that starts something
// that outlives it calls Keep.
//
// It does not bound connections, and it does not divide anything fairly: see package pool for that.
//
// Kernel: none.
package quota
