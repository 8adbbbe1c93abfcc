import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repository } from './sources';

/** One step of a job. */
export interface Step {
  readonly uses?: string;
  readonly run?: string;
}

/** One job of a workflow. */
export interface Job {
  readonly uses?: string;
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly node: readonly number[]; readonly os: readonly string[] } };
  readonly steps?: readonly Step[];
}

/** A workflow file, as far as the tests look at it. */
export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** Every YAML file of `.github/`, parsed. Throws if one is not valid YAML. */
export function githubFiles(): ReadonlyMap<string, unknown> {
  const folder = join(repository, '.github');
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  return new Map(
    paths
      .filter((path) => path.endsWith('.yml'))
      .map((path) => [path, parse(readFileSync(join(folder, path), 'utf8'), { strict: true, uniqueKeys: true })]),
  );
}

/** What is unsafe in a workflow: actions without a fixed major version, and permissions that nobody limited. */
export function workflowProblems(name: string, workflow: Workflow): readonly string[] {
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps ?? []);
  const loose = steps.flatMap(({ uses }) => (uses === undefined || /^[\w-]+\/[\w-]+@v\d+$/.test(uses) ? [] : [uses]));
  return [
    ...loose.map((uses) => `${name}: ${uses} is not pinned to a major version`),
    ...(workflow.permissions?.contents === 'read' && Object.keys(workflow.permissions).length === 1
      ? []
      : [`${name}: the permissions of the workflow must be "contents: read"; give more to single jobs`]),
  ];
}
