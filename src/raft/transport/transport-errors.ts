import { MemoryError } from '../../domain/errors';

/** Makes the error for a request that got no answer. */
export function unreachableNode(name: string, reason: string, cause?: unknown): MemoryError {
  const message = `Cannot reach ${name}: ${reason}. Check that the node runs and that its address is right, then try again.`;
  return new MemoryError('STORE_UNREACHABLE', message, cause === undefined ? {} : { cause });
}

/** Makes the error for a call of a transport that was closed, or was not started. */
export function transportClosed(): MemoryError {
  return new MemoryError('STORE_CLOSED', 'The connections to the other nodes are closed. Open the store again.');
}

/** Makes the error for a request to a node of another cluster. */
export function otherCluster(name: string): MemoryError {
  const message = `No connection with ${name}: it belongs to another cluster. Check the addresses of the cluster.`;
  return new MemoryError('CLUSTER_MISMATCH', message);
}
