import type { RuleInForce } from '../domain/declaration';
import type { AccessHandle, Explanation } from '../store/access-handle';
import type { RpcClient } from './rpc-client';

/** The rules, as another process asks for them. */
export class ConnectedAccess implements AccessHandle {
  readonly #asker: RpcClient;

  constructor(asker: RpcClient) {
    this.#asker = asker;
  }

  allow(...args: Parameters<AccessHandle['allow']>): Promise<RuleInForce> {
    return this.#asker.once('access.allow', args);
  }

  deny(...args: Parameters<AccessHandle['deny']>): Promise<RuleInForce> {
    return this.#asker.once('access.deny', args);
  }

  clear(...args: Parameters<AccessHandle['clear']>): Promise<RuleInForce> {
    return this.#asker.once('access.clear', args);
  }

  role(...args: Parameters<AccessHandle['role']>): Promise<RuleInForce> {
    return this.#asker.once('access.role', args);
  }

  group(...args: Parameters<AccessHandle['group']>): Promise<RuleInForce> {
    return this.#asker.once('access.group', args);
  }

  end(...args: Parameters<AccessHandle['end']>): Promise<boolean> {
    return this.#asker.once('access.end', args);
  }

  list(...args: Parameters<AccessHandle['list']>): Promise<RuleInForce[]> {
    return this.#asker.read('access.list', args);
  }

  explain(...args: Parameters<AccessHandle['explain']>): Promise<Explanation> {
    return this.#asker.read('access.explain', args);
  }
}
