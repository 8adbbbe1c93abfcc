/** Endings of Polish nouns, adjectives and verbs, the longest first. Diminutives and other derived words keep their endings. */
const endings =
  `iejszymi owanych owanego owanej owanie iejszy owania owaniu iejsza eniach eniami eniom aniach aniami aniom owali owała ujemy
  owano owana owany ował owac owie ować iemu iego ymi imi ach ami owi ych ich emu ego iom ali ało ały ała iał iło iły iła
  ają ują uje ują uję ano ono amy emy imy ymy cie eni ana any one ony eń eni enie eniu enia anie aniu ania iej iem ami ów om em ym im ej ie ią ię ia iu io
  ać eć ić yć ąć ał ił ył eł li ło ły ła ę ą a e i o u y`
    .split(/\s+/)
    .sort((a, b) => b.length - a.length);
const minStemLength = 3;
const softConsonant = /(?<=[szcdnrl])[iz]$/;

/** Removes the ending of a Polish word in lower case. Snowball has no algorithm for Polish that packages contain. */
export function stemOfPolish(word: string): string {
  const ending = endings.find((each) => word.length - each.length >= minStemLength && word.endsWith(each));
  return (ending === undefined ? word : word.slice(0, -ending.length)).replace(softConsonant, '');
}
