/** The id of a node: a safe integer from 1. An id is never used for a second node. */
export type NodeId = number;

/** No node: no leader is known, or no vote was given. */
export const noNode: NodeId = 0;
