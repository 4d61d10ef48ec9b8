// Stands in for react-style-singleton, which appends a <style> element while a dialog or menu is open.
// A constructed style sheet does the same and is allowed under `style-src 'self'`.

/** One shared style sheet, present while at least one component has added it. */
export function stylesheetSingleton() {
  let users = 0;
  let sheet = null;
  return {
    add(css) {
      users += 1;
      if (users > 1) return;
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      document.adoptedStyleSheets.push(sheet);
    },
    remove() {
      users -= 1;
      if (users > 0) return;
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    },
  };
}
