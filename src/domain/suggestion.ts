import { distance } from 'fastest-levenshtein';

/**
 * The names for this library's fields that other libraries use, or that models and people write by mistake. A word has several
 * suggestions if its meaning depends on the call. The first suggestion that is a field of the call is used.
 */
const synonyms: readonly [words: string, names: string][] = [
  ['limit k n top count size topN maxResults numResults nResults pageSize perPage maxItems', 'topK limit'],
  ['topK take first', 'limit'],
  ['minScore scoreThreshold minSimilarity similarityThreshold cutoff minRelevance score', 'threshold'],
  ['where filters conditions predicate', 'filter'],
  ['content value memory message body document pageContent data fact note', 'text'],
  ['user subject about aboutUser customerId', 'userId'],
  ['agent assistant assistantId author botId', 'agentId'],
  ['session thread threadId conversation conversationId chatId run runId', 'sessionId'],
  ['service app appId', 'serviceId'],
  ['forUser behalfOf', 'onBehalfOf'],
  ['category type memoryType', 'kind mode'],
  ['searchType strategy', 'mode'],
  ['labels keywords categories', 'tags'],
  ['ns path collection space prefix namespacePrefix', 'namespace within startsWith'],
  ['scope', 'namespace within'],
  ['permissions clearances', 'accessTags access'],
  ['private isPrivate isShared public', 'visibility'],
  ['ttl expiry expires expirationDate expiration', 'expiresAt'],
  ['importance weight rank boost', 'priority'],
  ['meta metadatas attributes properties payload extra', 'metadata'],
  ['timestamp date time at eventTime', 'validFrom asOf since'],
  ['between timeRange dateRange range period span', 'during'],
  ['start from after', 'validFrom since cursor'],
  ['end to before', 'validTo until'],
  ['asAt pointInTime snapshot', 'asOf'],
  ['embedding embeddings vectors', 'vector embedder'],
  ['embeddingModel embeddingFunction model', 'embedder model'],
  ['id name', 'key'],
  ['requestId idempotent', 'idempotencyKey'],
  ['replaces replace previousId', 'supersedes'],
  ['sources derived parents', 'derivedFrom'],
  ['offset page pageToken nextToken startingAfter nextCursor', 'cursor'],
  ['sort sortBy', 'orderBy'],
  ['direction sortOrder', 'order'],
  ['abort abortSignal cancel', 'signal'],
  ['depth levels', 'maxDepth'],
  ['version expectedRevision ifMatch ifVersion', 'ifRevision'],
  ['preview simulate', 'dryRun'],
  ['transaction transactional', 'atomic'],
  ['chunkSize concurrency', 'batchSize'],
  ['scores details debug', 'explain'],
  ['states status state includeExpired includeSuperseded', 'include state'],
  ['actor who principal caller', 'by'],
  ['operation method verb call', 'action'],
  ['rules acl policy policies', 'access'],
  ['schema metadataSchema', 'metadata'],
  ['equals equal is', 'eq'],
  ['neq notEquals notEqual isNot', 'ne'],
  ['greaterThan after', 'gt'],
  ['lessThan before', 'lt'],
  ['min atLeast', 'gte'],
  ['max atMost', 'lte'],
  ['any anyOf oneOf', 'in'],
  ['notIn noneOf', 'nin'],
  ['like ilike includes has substring match search', 'contains'],
  ['all every', 'and'],
  ['some either', 'or'],
  ['view get list recall query', 'read'],
  ['create insert add store remember', 'write'],
  ['edit modify change', 'update'],
  ['delete remove', 'forget'],
  ['grant admin', 'administer administrator'],
  ['search find query ask', 'recall'],
  ['ls show', 'list'],
  ['dump save', 'export'],
  ['load restore add', 'import'],
  ['check fsck doctor', 'verify'],
  ['info', 'stats'],
  ['serve server', 'mcp'],
  ['editor', 'writer'],
  ['viewer', 'reader'],
];

const namesByWord = new Map<string, string[]>();
for (const [words, names] of synonyms) {
  for (const word of words.split(' ')) {
    const known = namesByWord.get(plain(word)) ?? [];
    namesByWord.set(plain(word), [...known, ...names.split(' ')]);
  }
}

// If two words have more differences than this, they are different words and not a typing error.
const maxDifference = 0.5;

/** Finds the known name that is meant by an unknown one: another spelling, a synonym, or a typing error. */
export function suggestionFor(word: string, known: readonly string[]): string | undefined {
  const written = plain(word);
  const sameAs = (name: string) => known.find((each) => plain(each) === plain(name));
  const spelled = sameAs(written) ?? (namesByWord.get(written) ?? []).map(sameAs).find((name) => name !== undefined);
  if (spelled !== undefined) return spelled;
  const [nearest] = [...known].sort((a, b) => distance(written, plain(a)) - distance(written, plain(b)));
  if (nearest === undefined) return undefined;
  const name = plain(nearest);
  const longest = Math.max(written.length, name.length);
  const isSimilar =
    distance(written, name) <= maxDifference * longest || (written.length > 2 && name.startsWith(written));
  return isSimilar ? nearest : undefined;
}

/** Converts a name to lower case and removes signs that join or mark words, as in `user_id`, `top-k` and `$and`. */
function plain(name: string): string {
  return name.replace(/[_$.\s-]/g, '').toLowerCase();
}
