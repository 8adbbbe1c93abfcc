import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repository } from './sources';
import { githubFiles, type Workflow, workflowProblems } from './workflows';

const files = githubFiles();
const workflow = (name: string) => files.get(`workflows/${name}`) as Workflow;
const runsOf = ({ steps = [] }: Workflow['jobs'][string]) =>
  steps.flatMap(({ run }) => (run === undefined ? [] : [run]));

describe('the CI workflow', () => {
  const [check] = Object.values(workflow('ci.yml').jobs);

  test('runs on pull requests and on main', () => {
    expect(workflow('ci.yml').on).toMatchObject({ pull_request: null, push: { branches: ['main'] } });
  });

  test('calls .ci/run and adds no check of its own', () => {
    expect(runsOf(check!)).toEqual(['bash .ci/run']);
  });

  test('covers three Node versions and three systems, and the oldest that package.json allows', () => {
    const { node, os } = check!.strategy!.matrix;
    expect(node).toEqual([20, 22, 24]);
    expect(os).toEqual(['ubuntu-latest', 'macos-latest', 'windows-latest']);
    const { engines } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    expect(engines.node).toMatch(new RegExp(`^>=${Math.min(...node)}(\\.|$)`));
  });
});

describe('the release workflow', () => {
  const { on, jobs } = workflow('release.yml');
  const { version, ci, publish } = jobs;

  test('runs when a version tag is pushed', () => {
    expect(on).toEqual({ push: { tags: ['v*'] } });
  });

  test('publishes only after the tag was checked and CI is green', () => {
    expect(publish!.needs).toEqual(['version', 'ci']);
    expect(runsOf(version!)).toEqual(['node .ci/check-release.mjs "$GITHUB_REF_NAME"']);
    expect(ci!.uses).toBe('./.github/workflows/ci.yml');
  });

  test('publishes with provenance, and no other job may request an identity', () => {
    expect(runsOf(publish!).at(-1)).toBe('npm publish --provenance --access public');
    expect(publish!.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect([version, ci].map((job) => job!.permissions)).toEqual([undefined, undefined]);
  });
});

test('every action is pinned to a major version, and no workflow may write', () => {
  const workflows = [...files].filter(([path]) => path.startsWith('workflows/'));
  expect(workflows.length).toBeGreaterThan(0);
  expect(workflows.flatMap(([path, file]) => workflowProblems(path, file as Workflow))).toEqual([]);
});

test.each([
  ['an action without a version', { permissions: { contents: 'read' }, uses: 'actions/checkout' }],
  ['an action that follows a branch', { permissions: { contents: 'read' }, uses: 'actions/checkout@main' }],
  ['a permission to write', { permissions: { contents: 'write' }, uses: 'actions/checkout@v6' }],
])('this mistake in a workflow is reported: %s', (_, { permissions, uses }) => {
  const planted = { on: {}, permissions, jobs: { job: { steps: [{ uses }] } } };
  expect(workflowProblems('planted.yml', planted)).toHaveLength(1);
});

test('security reports are sent to the private form, not to issues', () => {
  const { bugs } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { bugs: { url: string } };
  const form = `${bugs.url.replace(/\/issues$/, '')}/security/advisories/new`;
  expect(files.get('ISSUE_TEMPLATE/config.yml')).toMatchObject({ contact_links: [{ url: form }] });
  expect(readFileSync(join(repository, 'SECURITY.md'), 'utf8')).toContain(form);
});

test('issue forms have a name, a description and fields with unique ids', () => {
  for (const path of ['ISSUE_TEMPLATE/bug.yml', 'ISSUE_TEMPLATE/feature.yml']) {
    const form = files.get(path) as { name: string; description: string; body: { type: string; id?: string }[] };
    expect([form.name, form.description]).not.toContain(undefined);
    const fields = form.body.filter(({ type }) => type !== 'markdown').map(({ id }) => id);
    expect(fields).not.toContain(undefined);
    expect(new Set(fields).size).toBe(fields.length);
  }
});
