/** A sign of an instruction to a model. Each is a feature of the built-in screener, and no proof. */
export interface Rule {
  /** The reason that a verdict names. */
  readonly name: string;
  /** Matched against a normalized sentence. */
  readonly pattern: RegExp;
}

const target =
  /instruction|rules?\b|prompt|guideline|direction|command|constraint|polic|restriction|orders|anweisung|regeln|vorgaben|befehl|richtlinien|consignes|règles|directives|instrucciones|reglas|órdenes|directrices|restricciones|指令|规则|指示|提示|限制|命令|要求/
    .source;
const earlier =
  /previous|prior|earlier|above|preceding|original|existing|initial|former|foregoing|vorherig|bisherig|obig|früher|ursprünglich|vorangegangen|précédent|antérieur|ci-dessus|initiales|plus haut|anterior|previas|de arriba|iniciales|originales|之前|以上|先前|原来|上面|此前/
    .source;
const dismiss =
  /ignor\w*|disregard|forget|do not follow|stop following|override|discard|pay no attention|bypass|set aside|vergiss|vergessen|missachte|verwirf|beachte nicht|oubli\w*|ne (?:tiens|tenez) pas compte|olvid\w*|haz caso omiso|no sigas|descarta|忽略|忘记|无视|不要遵守|抛弃/
    .source;
const model =
  /\b(?:ai|assistants?|language models?|llms?|chatbots?|agents|ki|sprachmodelle?|ia|modèle de langage|modelo de lenguaje)\b|智能体|语言模型|助手/
    .source;
const secret =
  /passwords?|api keys?|credentials?|access tokens?|private keys?|secrets?|environment variables|chat history|passwörter|zugangsdaten|mots? de passe|contraseñas?|密码|ssh\/|\/etc\/(?:passwd|shadow)|\.aws/
    .source;
const away =
  /send|forward|upload|transmit|post|e-?mail|exfiltrate|leak|output|print|reveal|sende|leite|schicke|envoie|transmets|envía|reenvía|转发|发送|泄露/
    .source;

export const rules: readonly Rule[] = [
  {
    name: 'override of instructions',
    pattern: new RegExp(`(?:${dismiss}).{0,40}(?:${earlier}|\\ball\\b|所有).{0,40}(?:${target})`),
  },
  {
    name: 'override at the start',
    pattern: new RegExp(`^(?:please |bitte |请)?(?:${dismiss}).{0,60}(?:${target}|everything|alles|tout|todo|一切)`),
  },
  {
    name: 'hidden instructions',
    pattern:
      /(?:reveal|print|show|repeat|output|leak|gib|verrate|affiche|révèle|muestra|revela|输出|泄露).{0,30}(?:system ?prompt|prompt système|prompt del sistema|hidden instructions|secret instructions|geheimen anweisungen|instructions secrètes|instrucciones secretas|系统提示|隐藏指令|initial prompt)/,
  },
  {
    name: 'role header',
    pattern:
      /<\|?(?:im_start|im_end|system|assistant|endoftext)\|?>|\[\/?(?:inst|system)\]|<\/?(?:system|instructions?|data)>|^#+ ?(?:instruction|system)\b|^(?:system|系统|système|sistema)\s*[:：]/,
  },
  {
    name: 'addresses a model',
    pattern: new RegExp(
      `(?:^|[^a-z])(?:dear|if|any|every|to the|hey|attention|note to|notice to|wenn|jede|lieber|si une|toute|cher|si una|toda|querido|如果|任何|亲爱的|致|给).{0,20}(?:${model})`,
    ),
  },
  {
    name: 'duty of a model',
    pattern: new RegExp(
      `(?:${model}|\\byou\\b|\\bdu\\b|\\btu\\b).{0,12}(?:must|shall|are required to|have to|musst|muss|dois|doit|debes|debe|必须)`,
    ),
  },
  {
    name: 'secrecy',
    pattern:
      /without (?:asking|telling|informing|notifying|any verification)|do(?: not|n't) (?:tell|mention|reveal|inform|warn|disclose)|never (?:mention|reveal|tell)|keep (?:this|it) secret|hide this|regardless of what the user|ohne (?:es dem nutzer|rückfrage)|halte das geheim|erwähne diese|nichts von dieser|sans (?:le dire|demander)|garde cela secret|ne (?:mentionne|révèle) pas|sin (?:decírselo|pedir)|mantenlo en secreto|no (?:menciones|reveles)|不要告诉|不要提及|保密|无需确认/,
  },
  {
    name: 'form of the answer',
    pattern:
      /\b(?:your|the) (?:final |next )?(?:answer|response|reply|output|message)s?\b|everything you write|deine antwort|ta réponse|tu respuesta|你的回答|在回答/,
  },
  {
    name: 'new identity',
    pattern:
      /\byou are (?:now|no longer)\b|act as (?:dan|an? )|pretend to be|developer mode|unrestricted|du bist jetzt|tu es maintenant|ahora eres|你现在是|jailbr/,
  },
  {
    name: 'lasting instruction',
    pattern:
      /from now on|in (?:all |every )?(?:future|later) (?:conversation|session|request)s?|for all future|whenever|every time|each time|ab jetzt|von (?:nun|jetzt) an|in künftigen|désormais|à partir de maintenant|a partir de ahora|desde ahora|conversaciones futuras|从现在|以后的所有|今后|每当/,
  },
  {
    name: 'sends secrets away',
    pattern: new RegExp(`(?:${away}).{0,60}(?:${secret})|(?:${secret}).{0,60}(?:https?:|@\\w)`),
  },
  {
    name: 'sends data to an address',
    pattern: new RegExp(`(?:${away}).{0,60}(?:https?://|\\b0\\.0\\.0\\.0\\b|@[\\w-]+\\.)`),
  },
  {
    name: 'downloads and runs',
    pattern:
      /(?:curl|wget)\b[^|]*\|\s*(?:ba|z)?sh\b|\/dev\/tcp\/|\bnc\b.{0,40}-e\b|rm -rf \/(?:\s|$|[^\w])|rmtree\(["']\/["']|powershell.{0,20}-enc|(?:eval|exec)\(.{0,40}(?:urlopen|requests\.get|b64decode)/,
  },
  {
    name: 'code that sends data away',
    pattern:
      /(?:requests\.post|urlopen|fetch|sendbeacon|\.src\s*=|\.connect|httpconnection|curl|sendmail).{0,80}(?:cookie|environ|process\.env|keystroke|e\.(?:key|name)|getpass|gethostname|localstorage|passw|clipboard|screenshot|id_rsa|shadow|\.aws|psutil|secret)|(?:cookie|keydown|on_press|screenshot|environ).{0,60}(?:requests\.post|fetch\(|sendbeacon|\.src\s*=)/,
  },
];

/** The rules that a normalized sentence matches, by index. */
export function matchedRules(sentence: string): number[] {
  const matched: number[] = [];
  for (const [i, { pattern }] of rules.entries()) if (pattern.test(sentence)) matched.push(i);
  return matched;
}
