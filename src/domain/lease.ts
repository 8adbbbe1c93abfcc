/** Who does a chore for the whole cluster, such as following the rules of `open`. Only the holder of its lease does it. */
export interface Lease {
  /** Names one run of one process. */
  readonly holder: string;
  /** The number that the holder gave to the request for this grant. */
  readonly request: number;
  /** How often the lease was granted, to any holder. It names this grant. */
  readonly grant: number;
}

/** What a process asks for when it wants to hold a lease, or to renew it. */
export interface LeaseRequest {
  readonly holder: string;
  /** The holder numbers its requests, so that it knows which of them was granted. */
  readonly request: number;
  /** The grant of another holder that this one is to replace. Absent if no other is known. */
  readonly over?: number;
}
