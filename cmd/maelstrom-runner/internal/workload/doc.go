// Package workload says what clients ask of the nodes, and how the answers are judged.
//
// Contract:
//
//  1. A workload is a generator, a client and a checker. It is added by implementing
//     Workload and listing it in registry; nothing else in the bench knows their names.
//  2. A generator chooses an operation for one of the free threads, or none if the
//     threads it would use are busy. It depends on its seed and on which threads were
//     free, and on nothing else.
//  3. Invoke turns an answer into an outcome. An error is a failure only if its code is
//     definite, or if the operation is idempotent; everything else is unknown.
//  4. Transactions are drawn as Elle draws them; see txnGenerator. One that fails with
//     txn-conflict did not happen.
//  5. lin-kv follows Jepsen's linearizable register test to the letter; see linKV.
package workload
