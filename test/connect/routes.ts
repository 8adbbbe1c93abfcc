/** Every method of a handle has a route to the serving process. Never run, only compiled. */
import type { AccessHandle, AuditHandle, Memory, MemoryHandle, StoreAudit } from 'multi-agent-memory';
import {
  accessRoutes,
  auditRoutes,
  type HostAudit,
  handleRoutes,
  hostAuditRoutes,
  type Routes,
  type StoreCalls,
  storeRoutes,
} from '../../src/connect/operations';
import { remoteMethods } from '../../src/connect/rpc-client';
import type { RepeatedAnswers } from '../../src/connect/server-operations';
import type { Same } from '../types/same.js';

handleRoutes satisfies Routes<MemoryHandle>;
accessRoutes satisfies Routes<AccessHandle>;
auditRoutes satisfies Routes<AuditHandle>;
({ ...auditRoutes, ...hostAuditRoutes }) satisfies Routes<StoreAudit>;
storeRoutes satisfies Routes<StoreCalls>;

interface GrownHandle extends MemoryHandle {
  pin(id: string): Promise<Memory>;
}
// @ts-expect-error a method that was added has no route
handleRoutes satisfies Routes<GrownHandle>;
({ ...handleRoutes, pin: 'deduplicated' }) satisfies Routes<GrownHandle>;

type RenamedHandle = Omit<MemoryHandle, 'recall'> & { search: MemoryHandle['recall'] };
// @ts-expect-error a method that was renamed has no route under its new name
handleRoutes satisfies Routes<RenamedHandle>;
// @ts-expect-error and none under its old name
({ ...handleRoutes, search: 'always', recall: 'always' }) satisfies Routes<RenamedHandle>;

// @ts-expect-error `end` has no route
({ ...accessRoutes, end: undefined }) satisfies Routes<AccessHandle>;
// @ts-expect-error no such policy
({ ...accessRoutes, end: 'sometimes' }) satisfies Routes<AccessHandle>;
// @ts-expect-error `verify` has no route
({ settled: 'always', stats: 'always', backup: 'never' }) satisfies Routes<StoreCalls>;

// The client gets exactly the methods that cross the connection as one call; `connectedHandle` implements the others.
const remote = remoteMethods<MemoryHandle, typeof handleRoutes>(undefined as never, handleRoutes);
true satisfies Same<
  Exclude<keyof MemoryHandle, keyof typeof remote>,
  'rememberMany' | 'list' | 'watch' | 'exportSubject' | 'within' | 'access' | 'audit' | 'scope'
>;
true satisfies Same<(typeof remote)['recall'], MemoryHandle['recall']>;
remoteMethods<HostAudit, typeof hostAuditRoutes>(undefined as never, hostAuditRoutes).verify();

// The server says for each deduplicated method how it answers a repeated call.
type Answers = RepeatedAnswers<MemoryHandle, typeof handleRoutes>;
true satisfies Same<keyof Answers, 'remember' | 'update' | 'share' | 'endorse' | 'forget'>;
// @ts-expect-error no answer to a repeated `share`
({ remember: undefined as never, update: undefined as never, forget: () => true }) satisfies Answers;
// @ts-expect-error `forget` answers with a boolean
((): number => 1) satisfies Answers['forget'];
