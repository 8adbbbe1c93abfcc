/**
 * The commonest words of languages, which carry no meaning in a query. They tell in which language a text is, and are left out of queries
 * in that language. Those with an accent are listed as they are written.
 */
export const functionWords = {
  de: `der die das den dem des ein eine einen einem einer eines und oder aber auch nicht kein keine keinen ist sind war waren wird werden
    wurde wurden worden sein seine seinen seiner ihr ihre ihren ihrer ihrem ich du er sie es wir mich mir dich dir uns unser unsere unserem
    unseren euch man mit von vom zum zur zu bei beim nach aus auf für über unter um an am im in ins durch gegen ohne bis seit vor hinter als wie
    wenn dass weil ob denn dann noch nur schon sehr so mehr wer was wo wann warum wieso welche welcher welches welchem welchen wohin woher
    wovor womit wofür wieviel viele hat haben hatte hatten habe kann können muss müssen musste soll sollen sollte will möchte dort hier jeder jede
    jeden jedes alle allen dieser diese dieses diesem diesen gibt es`,
  fr: `le la les un une des du de d l au aux et ou mais ne pas plus ce cet cette ces il elle ils elles on je tu nous vous se s me te lui leur
    leurs mon ma mes ton ta tes son sa ses notre nos votre vos est sont était étaient été être a ont avait avoir dans sur sous avec sans pour
    par vers chez entre depuis pendant quand comment où qui que qu quoi quel quelle quels quelles pourquoi combien dont si y en c n j m t très
    aussi lorsque afin après avant doit doivent faut fait peut`,
  es: `el la los las un una unos unas de del al a y e o u pero no ni que qué quién quiénes cómo cuándo cuánto cuánta cuántos cuántas dónde cuál
    cuáles con sin por para en sobre entre desde hasta se su sus mi mis tu tus nuestro nuestra nuestros nuestras lo le les me te nos es son era
    eran fue fueron ser está están estaba estar ha han había hay como cuando donde si más muy ya también solo todo todos toda todas cada este
    esta estos estas ese esa ella él ellos debe deben tiene tienen quiere`,
  it: `il lo la i gli le un uno una di del dello della dei degli delle dell d l a al allo alla ai agli alle all da dal dalla dai dalle in nel
    nello nella nei nelle nell con su sul sulla sui sulle per tra fra e ed o ma non che chi cui come quando dove quale quali quanto quanta quanti
    quante perché si se mi ti ci vi ne è sono era erano essere stato stata ha hanno aveva avere mio mia suo sua suoi sue nostro nostra loro lui
    lei questo questa questi queste quello quella più anche già solo ogni cosa va vanno deve devono vuole viene`,
  pt: `o a os as um uma uns umas de do da dos das em no na nos nas num numa por pelo pela pelos pelas para com sem sob sobre entre até desde
    e ou mas não que quem como quando onde qual quais quanto quanta quantos quantas porque se seu sua seus suas meu minha nosso nossa ele ela eles
    elas eu nós você vocês me te lhe é são era eram foi foram ser está estão estava ter tem têm tinha há ao aos à às muito mais já também só
    cada este esta esse essa isso isto deve devem quer`,
  nl: `de het een en of maar niet geen is zijn was waren wordt worden werd werden ben bent heeft hebben had hadden ik jij je u hij zij ze wij
    we jullie hun hen haar mijn jouw onze ons dit dat deze die van voor met aan op in uit bij naar om over onder door tegen tot als dan
    toen wie wat waar wanneer waarom hoe welk welke hoeveel er ook nog al wel zo te zich kan kunnen moet moeten wil willen zal zullen alleen elke elk
    iedere veel`,
  sv: `och att det den en ett i på av för med till från om som är var vara har hade inte men eller jag du han hon vi ni de dem sig sin sitt
    sina min mitt mina din vår våra er deras hans hennes vid efter under över när där här hur vad vem vilken vilket vilka varför ska skall kan
    måste bara alla varje också mycket blir blev`,
  da: `og at det den en et i på af for med til fra om som er var være har havde ikke men eller jeg du han hun vi de dem sig sin sit sine min
    mit mine din vores deres hans hendes ved efter under over når hvor der her hvordan hvad hvem hvilken hvilket hvilke hvorfor skal kan må kun alle
    hver også meget bliver blev`,
  no: `og at det den en et ei i på av for med til fra om som er var være har hadde ikke men eller jeg du han hun vi de dem seg sin sitt sine
    min mitt mine din vår deres hans hennes ved etter under over når hvor der her hvordan hva hvem hvilken hvilket hvilke hvorfor skal kan må bare alle
    hver også mye blir ble`,
  fi: `ja tai mutta ei en et emme eivät ole on olen olet olemme ovat oli olivat olla ollut se ne tämä nämä tuo hän he minä sinä me te minun
    sinun hänen meidän teidän heidän joka jotka jos kun että koska kuin niin myös vain jo vielä kuka ketä kenen mikä mitä minkä missä mistä mihin
    milloin miksi miten kuinka kauanko mille millä mitkä kukaan kanssa ennen jälkeen yli alle sekä saa saako voi pitää kuuluu moneksi usein paljon`,
  tr: `ve veya ama bir bu şu o da de mi mı mu mü ile için gibi kadar daha çok en ne nasıl neden niçin nerede nereden nereye kim kimin hangi
    kaç var yok değil ben sen biz siz onlar benim senin onun bizim sizin onların her hiç sonra önce göre üzerinde olan olarak ise ki zaman saat
    yalnızca sadece zaten`,
  pl: `i oraz lub albo ale nie w we na do z ze o od po za pod nad przed przez przy dla u bez się to ten ta te tego tej tych tym jest są był była
    było były być ma mają miał jak jaki jaka jakie jaką jakiego jakim kto kogo co czego czym kiedy gdzie dlaczego ile który która które którego którzy
    czy że bo już tylko też także jego jej ich mój moja nasz nasza nasze on ona ono oni trzeba można każdy każdego kiedy`,
  ro: `și şi sau dar nu un o de la în din pe cu pentru prin despre între până după este sunt era erau fi fost are au avea ca că să se cel cea
    cei cele acest această acești aceste al ai ale lui lor mea meu noastră nostru cine ce care cum când unde cât câte câți el ea ei ele eu tu noi
    voi mai foarte doar fiecare trebuie`,
  hu: `a az egy és vagy de nem is van vannak volt voltak lesz lenni ez az ezt azt hogy ha mert mint már még csak nagyon ki kit mi mit milyen melyik
    hol hova honnan mikor miért hogyan mennyi hány én te ő mi ti ők nekem neki után előtt alatt felett között minden kell lehet`,
  ru: `и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только её ее мне было вот от меня ещё еще нет о об из ему
    когда даже ли если или ни быть был него до вас они тут где есть надо ней для мы тебя их чем была сам чтоб без чего раз тоже себе под будет тогда
    кто этот эта это эти этого этой какой какая какое какие какую какого какому каких каком том тем той при над после через нас про них всех свою мой моя наш
    наша наше нужно можно сколько почему зачем куда откуда кому`,
  uk: `і й та в у на не що як він вона воно вони я ми ви ти з із зі до від за по для про при під над але або чи це цей ця ці той та ті його її їх є
    був була було були бути де коли хто чому який яка яке які скільки куди звідки тільки вже ще`,
  ar: `في من إلى على عن مع هو هي هم هذا هذه ذلك تلك الذي التي الذين و أو ثم لا لم لن ما ماذا متى أين كيف كم لماذا هل أي أن إن كان كانت يكون قد
    كل بعد قبل عند عندما بين حتى فقط مم لديه لديهما لها له هناك تم يتم يجب`,
  hi: `का के की को से में पर ने और या भी ही तो है हैं था थे थी हो होता होती होते हुआ हुई हुए यह वह ये वे इस उस इन उन जो कि क्या कौन कब कहाँ कैसे क्यों
    कितना कितने कितनी किस किन किसने किससे किसे सी सा मैं हम आप मेरा मेरी हमारा अपने अपना अपनी एक नहीं लिए साथ तक कर करते करता करना जब तब केवल गया गई
    जाते जाता रहा रहे रही चाहिए कोई ले लेता देता`,
} as const satisfies Record<string, string>;

/** The languages whose words the analyzer knows, besides English. */
export type Language = keyof typeof functionWords;

/** Words of other languages that are also English words or parts of English names. They do not tell in which language a text is. */
export const ambiguousWords = `hat war die man also dies bin must or car son sans pour comment con sin once come era solo per com dos met men
  dan door hem hoe want toe van under dig var care din sole due fin tan pan ten sur mine plus ya mint volt bare par bent san non ski hay com van wat mi mu ma pa ti ton ni en o e i d l s t m
  n c j h u`;
