// The irregular past tenses of the most common verbs.
const irregular = new Map(
  `be was, become became, begin began, bend bent, bite bit, blow blew, break broke, bring brought, build built, buy bought, catch
  caught, choose chose, come came, cost cost, cut cut, dig dug, do did, draw drew, drink drank, drive drove, eat ate, fall fell, feed
  fed, feel felt, fight fought, find found, fly flew, forget forgot, forgive forgave, freeze froze, get got, give gave, go went, grow
  grew, have had, hear heard, hide hid, hit hit, hold held, keep kept, know knew, lay laid, lead led, leave left, lend lent, let let,
  lose lost, make made, mean meant, meet met, pay paid, put put, read read, ride rode, rise rose, run ran, say said, see saw, sell
  sold, send sent, set set, shake shook, shine shone, shoot shot, shut shut, sing sang, sit sat, sleep slept, speak spoke, spend
  spent, stand stood, steal stole, stick stuck, strike struck, swim swam, take took, teach taught, tear tore, tell told, think
  thought, throw threw, understand understood, wake woke, wear wore, win won, write wrote`
    .split(/,\s*/)
    .map((pair) => pair.trim().split(/\s+/) as [string, string]),
);

/**
 * Returns a form of a verb: 'pick up' with 'ing' becomes 'picking up'. It is an approximation: the last consonant is doubled after
 * one vowel in words of one syllable.
 */
export function inflect(phrase: string, form: string): string {
  const [verb, ...rest] = phrase.split(' ') as [string, ...string[]];
  return [inflectVerb(verb, form), ...rest].join(' ');
}

function inflectVerb(verb: string, form: string): string {
  if (form === 's') {
    if (verb === 'be' || verb === 'have') return verb === 'be' ? 'is' : 'has';
    if (/[^aeiou]y$/.test(verb)) return `${verb.slice(0, -1)}ies`;
    return /(s|x|z|ch|sh|o)$/.test(verb) ? `${verb}es` : `${verb}s`;
  }
  const past = irregular.get(verb);
  if (form === 'ed' && past !== undefined) return past;
  if (form === 'ed' && /[^aeiou]y$/.test(verb)) return `${verb.slice(0, -1)}ied`;
  if (/^[^aeiou]*[aeiou][bdgklmnprt]$/.test(verb)) return `${verb}${verb.at(-1)}${form}`;
  if (/ie$/.test(verb) && form === 'ing') return `${verb.slice(0, -2)}ying`;
  return /[^eoy]e$/.test(verb) || verb.endsWith('ie') ? `${verb.slice(0, -1)}${form}` : `${verb}${form}`;
}
