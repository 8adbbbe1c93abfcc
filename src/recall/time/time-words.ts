/** The languages in which a question may name a time. */
export type TimeLanguage = 'en' | 'de' | 'fr' | 'es' | 'pt' | 'nl' | 'it' | 'sv' | 'ru' | 'ja' | 'zh';

export type CalendarUnit = 'day' | 'week' | 'month' | 'year';

interface Words {
  /** The names of the months, in order, as regular expressions. */
  readonly months: string;
  /** Other words that may name a time. */
  readonly others: string;
  /** A week, a month or a year counted from the present one. The parser does not know these phrases, or not what they cover. */
  readonly relative: readonly (readonly [phrase: string, unit: CalendarUnit, offset: number])[];
}

/**
 * The words that may name a time. They decide whether a question is parsed at all, and each parsed time must contain one. A name of a month
 * alone, such as 'May', is no time: it needs a day, a year, or a word such as 'in' before it.
 */
const wordsOf: Readonly<Record<TimeLanguage, Words>> = {
  en: {
    months:
      'jan(?:uary|\\.)? feb(?:ruary|\\.)? mar(?:ch|\\.)? apr(?:il|\\.)? may june? july? aug(?:ust|\\.)? sept?(?:ember|\\.)? oct(?:ober|\\.)? nov(?:ember|\\.)? dec(?:ember|\\.)?',
    others:
      'monday|tuesday|wednesday|thursday|friday|saturday|sunday|(?:on|since|last|this|next) (?:mon|tue|wed|thu|fri|sat|sun)|yesterday|today|tonight|tomorrow|(?:last|past|previous|this|next)(?: (?:\\d+|[a-z]+))? (?:night|weekend|days?|weeks?|months?|years?|morning|evening)|ago',
    relative: [
      ['this week', 'week', 0],
      ['this month', 'month', 0],
      ['this year', 'year', 0],
    ],
  },
  de: {
    months: 'januar|jänner februar märz april mai juni juli august september oktober november dezember',
    others:
      'montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|gestern|vorgestern|heute|(?:letzt|vorig|vergangen)e[nrsm]? (?:nacht|wochenende|woche|monat|jahr)|vor (?:\\d+|\\p{L}+) (?:tage|woche|monate|jahre)n?',
    relative: [
      ['diese[r]? woche', 'week', 0],
      ['diese[nms] monats?', 'month', 0],
      ['diese[ms] jahre?s?', 'year', 0],
    ],
  },
  fr: {
    months: 'janvier février mars avril mai juin juillet août septembre octobre novembre décembre',
    others:
      'lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|hier|avant-hier|aujourd.hui|(?:semaine|mois|année|an) (?:dernière?|passée?)|il y a (?:\\d+|\\p{L}+) (?:jour|semaine|mois|an)s?',
    relative: [
      ['cette semaine', 'week', 0],
      ['ce mois-ci', 'month', 0],
      ['cette année', 'year', 0],
    ],
  },
  es: {
    months: 'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre',
    others: 'lunes|martes|miércoles|jueves|viernes|sábado|domingo|ayer|anteayer|hoy',
    relative: [
      ['(?:semana pasada|última semana)', 'week', -1],
      ['(?:mes pasado|último mes)', 'month', -1],
      ['(?:año pasado|último año)', 'year', -1],
      ['esta semana', 'week', 0],
      ['este mes', 'month', 0],
      ['este año', 'year', 0],
    ],
  },
  pt: {
    months: 'janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro',
    others: '(?:segunda|terça|quarta|quinta|sexta)-feira|ontem|anteontem|hoje',
    relative: [
      ['semana passada', 'week', -1],
      ['mês passado', 'month', -1],
      ['ano passado', 'year', -1],
      ['esta semana', 'week', 0],
      ['este mês', 'month', 0],
      ['este ano', 'year', 0],
    ],
  },
  nl: {
    months: 'januari februari maart april mei juni juli augustus september oktober november december',
    others:
      'maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|gisteren|eergisteren|vandaag|(?:vorige?|afgelopen) (?:week|maand|jaar|weekend)|geleden',
    relative: [
      ['deze week', 'week', 0],
      ['deze maand', 'month', 0],
      ['dit jaar', 'year', 0],
    ],
  },
  it: {
    months: 'gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre',
    others:
      'lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|ieri|oggi|(?:settimana|mese|anno) (?:scors|passat)[oa]|(?:giorn[oi]|settiman[ae]|mes[ei]|ann[oi]) fa',
    relative: [
      ['questa settimana', 'week', 0],
      ['questo mese', 'month', 0],
      ['quest.anno', 'year', 0],
    ],
  },
  sv: {
    months: 'januari februari mars april maj juni juli augusti september oktober november december',
    others: 'måndag|tisdag|onsdag|torsdag|fredag|lördag|söndag|igår|i går|förrgår|idag',
    relative: [
      ['förra veckan', 'week', -1],
      ['förra månaden', 'month', -1],
      ['förra året', 'year', -1],
      ['den här veckan', 'week', 0],
      ['den här månaden', 'month', 0],
      ['i år', 'year', 0],
    ],
  },
  ru: {
    months:
      'январ[ьяе] феврал[ьяе] март[ае]? апрел[ьяе] ма[йяе] июн[ьяе] июл[ьяе] август[ае]? сентябр[ьяе] октябр[ьяе] ноябр[ьяе] декабр[ьяе]',
    others:
      'понедельник[ае]?|вторник[ае]?|сред[ауы]|четверг[ае]?|пятниц[ауы]|суббот[ауы]|воскресень[ея]|вчера|позавчера|сегодня|прошл\\p{L}+ (?:недел|месяц|год)\\p{L}*|назад',
    relative: [
      ['на этой неделе', 'week', 0],
      ['в этом месяце', 'month', 0],
      ['в этом году', 'year', 0],
    ],
  },
  ja: {
    months: '',
    others: '\\d{1,2}月|昨日|一昨日|今日|[月火水木金土日]曜日?',
    relative: [
      ['先週', 'week', -1],
      ['先月', 'month', -1],
      ['(?:昨年|去年)', 'year', -1],
      ['今週', 'week', 0],
      ['今月', 'month', 0],
      ['今年', 'year', 0],
    ],
  },
  zh: {
    months: '',
    others: '\\d{1,2}月|昨天|前天|今天|星期[一二三四五六日天]|周[一二三四五六日]|\\d+天前',
    relative: [
      ['上(?:周|週|个星期|個星期)', 'week', -1],
      ['上[个個]?月', 'month', -1],
      ['去年', 'year', -1],
      ['[这本這][周週]', 'week', 0],
      ['(?:本|这个|這個)月', 'month', 0],
      ['今年', 'year', 0],
    ],
  },
};

export const timeLanguages = Object.keys(wordsOf) as TimeLanguage[];

/** A date in numbers. An order number such as 4711 or a version such as 1.2 is no time. */
const numbers = '\\d{4}-\\d{1,2}-\\d{1,2}|\\d{1,2}[./-]\\d{1,2}[./-](?:19|20)?\\d\\d';
/** Words after which a month or a year is a time. */
const inWords: Readonly<Record<Exclude<TimeLanguage, 'ja' | 'zh'>, string>> = {
  en: 'in|during|since|last|this|next|of|until|before|after|by|early|mid|late|year',
  de: 'im|seit|nach|bis|ende|anfang|mitte|letzten|diesen|jahr|jahre',
  fr: 'en|depuis|avant|après|fin|début|année',
  es: 'en|desde|hasta|antes de|después de|año',
  pt: 'em|desde|até|antes de|depois de|ano',
  nl: 'in|sinds|voor|na|tot|jaar',
  it: 'in|a|da|nel|di|dal|dopo|anno',
  sv: 'i|sedan|före|efter|året',
  ru: 'в|с|до|после|за',
};
const year = '(?:19|20)\\d\\d';

function whole(words: string, language: TimeLanguage, flags = 'iu'): RegExp {
  const isSpaced = language !== 'ja' && language !== 'zh';
  return new RegExp(isSpaced ? `(?<![\\p{L}\\d])(?:${words})(?![\\p{L}\\d])` : `(?:${words})`, flags);
}

const patterns = new Map(
  timeLanguages.map((language) => {
    const { months, others, relative } = wordsOf[language];
    const words = [...months.split(' ').filter(Boolean), others, ...relative.map(([phrase]) => phrase)];
    if (language === 'en') words.push(numbers);
    return [language, whole(words.join('|'), language)] as const;
  }),
);

const yearPattern = new RegExp(
  `(?<![\\p{L}\\d])(?:${Object.values(inWords).join('|')})(?:\\s+(?:the|year))*\\s+(${year})(?![\\d\\p{L}]|[-/.]\\d)|(${year})年(?!\\d)`,
  'giu',
);

/** A year that a text names. */
export interface NamedYear {
  readonly index: number;
  readonly length: number;
  readonly year: number;
}

/** Finds years after a word such as 'in', and `2023年`. */
export function namedYears(text: string): NamedYear[] {
  return [...text.matchAll(yearPattern)].map((match) => {
    const digits = (match[1] ?? match[2]) as string;
    return { index: match.index + match[0].lastIndexOf(digits), length: digits.length, year: Number(digits) };
  });
}

/** Whether a text has a word, or a date in numbers, of a language that may name a time. */
export function mayHoldTime(language: TimeLanguage, text: string): boolean {
  return (patterns.get(language) as RegExp).test(text);
}

/** A phrase that names a week, month or year from the present one, such as 'this week'. */
export interface RelativePhrase {
  readonly index: number;
  readonly length: number;
  readonly unit: CalendarUnit;
  readonly offset: number;
}

export function relativePhrases(language: TimeLanguage, text: string): RelativePhrase[] {
  return wordsOf[language].relative.flatMap(([phrase, unit, offset]) =>
    [...text.matchAll(whole(phrase, language, 'giu'))].map((match) => ({
      ...{ index: match.index, length: match[0].length, unit, offset },
    })),
  );
}

/** A month in words, from 1, with its year if the text says it. */
export interface NamedMonth {
  readonly index: number;
  readonly length: number;
  readonly month: number;
  readonly year: number | undefined;
}

/** Finds months with a year, and months after a word such as 'in'. */
export function namedMonths(language: TimeLanguage, text: string): NamedMonth[] {
  if (language === 'ja' || language === 'zh')
    return [...text.matchAll(new RegExp(`(?:(${year})年)?(\\d{1,2})月(?!\\d)`, 'gu'))].flatMap((match) => {
      const month = Number(match[2]);
      if (month < 1 || month > 12) return [];
      return [{ index: match.index, length: match[0].length, month, year: match[1] ? Number(match[1]) : undefined }];
    });
  return wordsOf[language].months.split(' ').flatMap((name, i) => {
    const before = `(?:(?<![\\p{L}\\d])(${inWords[language]})\\s+(?:the\\s+)?)?`;
    const named = `(?<![\\p{L}\\d])((?:${name})(?:,?\\s+(?:de\\s+|di\\s+|of\\s+|do\\s+)?(${year}))?)(?![\\p{L}\\d])(?!\\s+\\d)`;
    return [...text.matchAll(new RegExp(before + named, 'giu'))].flatMap((match) => {
      const [all, word, found = '', inYear] = match;
      if (word === undefined && inYear === undefined) return [];
      const index = match.index + all.length - found.length;
      return [{ index, length: found.length, month: i + 1, year: inYear ? Number(inYear) : undefined }];
    });
  });
}

const besideWords = /(?<!\p{L})(day|week|weekend|month)\s+(before|after|of)\s*(?:the\s*)?$/iu;

/** Finds 'the week before', 'the week of' and the like in front of a time. */
export function besideOf(before: string): { readonly unit: string; readonly side: string } | undefined {
  const [, unit, side] = besideWords.exec(before) ?? [];
  return unit === undefined || side === undefined ? undefined : { unit: unit.toLowerCase(), side: side.toLowerCase() };
}

const sinceWords = /(?:since|seit(?:\s+dem)?|depuis(?:\s+le)?|desde(?:\s+(?:el|o|a))?|sinds|dal|da|sedan|с|со)\s*$/iu;
const beforeWords = /(?:before|avant(?:\s+le)?|antes\s+(?:del?|do)|prima\s+del?|voor|före|до)\s*$/iu;
const untilWords = /(?:until|till|bis(?:\s+zum)?|jusqu.(?:à|au)|hasta(?:\s+el)?|até|fino\s+al?|tot|по)\s*$/iu;
const afterWords =
  /(?:after|nach(?:\s+dem)?|après(?:\s+le)?|después\s+del?|depois\s+d[eo]|dopo(?:\s+il)?|efter|после)\s*$/iu;

export type OpenEnd = 'since' | 'before' | 'until' | 'after';

/** What the words around a time say of its ends: 'since Monday' has no end but now, 'until May' has no beginning. */
export function openEndOf(before: string, after: string): OpenEnd | undefined {
  if (sinceWords.test(before) || /^\s*(?:以来|から|以降)/u.test(after)) return 'since';
  if (beforeWords.test(before)) return 'before';
  if (untilWords.test(before)) return 'until';
  if (afterWords.test(before)) return 'after';
  return undefined;
}

const andWords = /^\s*(?:and|to|till?|until|through|und|bis|et|au?|y|e|al?|en|tot|och|и|по|до|-|–)\s*$/iu;

/** Whether the text between two times makes them the ends of one span. */
export function joinsTimes(between: string): boolean {
  return andWords.test(between);
}

const futureWords = /next|coming|tomorrow|kommend|nächst|prochain|próxim|volgend|prossim|nästa|следующ|завтра|下|来/iu;

export function isAboutFuture(text: string): boolean {
  return futureWords.test(text);
}

const weekWords = /week(?!end)|woche(?!nende)|semaine|semana|settiman|veck|недел|weken|週|周/iu;
const weekendWords = /weekend|week-end|wochenende|helg|выходн|周末|週末/iu;
const untilNowWords =
  /(?:last|past|previous|letzten|vergangenen|afgelopen|dernières|derniers|últim[oa]s|ultim[ie]|senaste|последн\p{L}+)\s+(?:\d+|two|three|four|five|six|seven|ten|few|couple|several|zwei|drei|vier|paar|deux|trois|quatre|dos|tres|due|tre|twee|drie|två|две|два|три)/iu;

/** What a parsed phrase covers, beyond the one day that the parser finds. */
export function coverOf(text: string): 'week' | 'weekend' | 'until now' | undefined {
  if (untilNowWords.test(text)) return 'until now';
  if (weekendWords.test(text)) return 'weekend';
  return weekWords.test(text) ? 'week' : undefined;
}

/** Abbreviations such as 'sat' and 'sun' are words too, so they must begin with a capital letter. French 'hier' is 'here' in German. */
export function isOtherWord(language: TimeLanguage, found: string, text: string): boolean {
  if (language === 'en')
    return /^(?:for|in\s+(?:the|a))\s/iu.test(found) || /^(?:on\s+)?(?:mon|tue|wed|thu|fri|sat|sun)$/u.test(found);
  if (language !== 'fr' || !/^hier$/iu.test(found)) return false;
  return !/(?<!\p{L})(?:que|qu.|est|le|la|les|nous|je|il|elle|on|avons|fait|dit|depuis|d')/iu.test(text);
}
