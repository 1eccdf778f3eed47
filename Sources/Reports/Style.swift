/// The report's style sheet.
///
/// Colour-blind readers can distinguish the colours of models and quantities too: blue, orange and grey also differ in
/// lightness, on light and dark backgrounds. Each colour also has its name beside it.
enum Style {
  static let sheet = """
    :root { --ground: #fcfcfa; --ink: #1d1f23; --soft: #5c616b; --rule: #e2e2dc; --axis: #9a9da3;
      --base: #737b88; --sft: #0068a8; --ppo: #c24a00; --proxy: #8a3f9a; --gold: #8f6a00;
      --other: #00745a; }
    @media (prefers-color-scheme: dark) {
      :root { --ground: #16181b; --ink: #e9e8e3; --soft: #a2a6ad; --rule: #2e3136;
        --axis: #71757c; --base: #a5adb9; --sft: #62b8ec; --ppo: #ff9a57; --proxy: #d79be4;
        --gold: #e3bf45; --other: #4cc9a4; }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body { margin: 0; background: var(--ground); color: var(--ink);
      font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
    main { max-width: 1240px; margin: 0 auto; padding: 56px 32px 40px; }
    h1, h2, .lead { font-family: "Iowan Old Style", Palatino, "Palatino Linotype",
      "Book Antiqua", Georgia, serif; font-weight: 500; text-wrap: balance; }
    h1 { font-size: 40px; line-height: 1.15; margin: 6px 0 12px; letter-spacing: -0.01em; }
    h2 { font-size: 25px; line-height: 1.2; margin: 0 0 10px; }
    h3 { font-size: 15px; line-height: 1.35; font-weight: 600; margin: 0; }
    p { margin: 0 0 10px; }
    small { display: block; font-size: 12.5px; line-height: 1.4; color: var(--soft);
      font-weight: 400; }
    .facts, .unit, .missing, .aside, .category, .grades, footer { color: var(--soft);
      font-size: 13px; }
    .facts { display: flex; flex-wrap: wrap; gap: 0 22px; margin: 0 0 6px; }
    .lead { font-size: 21px; line-height: 1.45; max-width: 46em; text-wrap: pretty; }
    .aside { margin-top: 14px; max-width: 60em; }
    .warning { margin: 14px 0 0; padding: 10px 16px; max-width: 60em; border-left: 4px solid var(--ppo);
      background: color-mix(in srgb, var(--ppo) 10%, transparent); }
    section { display: grid; grid-template-columns: 260px minmax(0, 1fr); gap: 28px 48px;
      padding: 40px 0; border-top: 1px solid var(--rule); }
    section.full { display: block; }
    header + section { border-top: 0; padding-top: 20px; }
    .prose { font-size: 15px; align-self: start; position: sticky; top: 28px; }
    .prose p { color: var(--soft); }
    .prose .missing { margin-top: 14px; }
    dt { font-size: 13px; color: var(--soft); }
    dd { margin: 0 0 8px; font-variant-numeric: tabular-nums; }
    .prose dl { display: grid; grid-template-columns: 1fr auto; align-items: stretch;
      margin: 16px 0 0; }
    .prose dt, .prose dd { border-top: 1px solid var(--rule); padding: 6px 0; margin: 0; }
    .prose dd { text-align: right; padding-left: 16px; }
    .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr));
      gap: 32px 36px; }
    figure { margin: 0; min-width: 0; }
    figure.wide { grid-column: 1 / -1; }
    figcaption { margin-bottom: 6px; }
    .unit { margin: 0; display: flex; flex-wrap: wrap; justify-content: space-between;
      gap: 0 18px; min-height: 20px; }
    .legend { display: flex; flex-wrap: wrap; gap: 0 14px; color: var(--ink); }
    .entry { white-space: nowrap; }
    .key { display: inline-block; width: 18px; height: 0; margin: 0 6px 3px 0;
      border-top: 2.5px solid var(--colour); vertical-align: middle; }
    .key.dashed { border-top-style: dashed; }
    .dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%;
      margin-right: 7px; background: var(--colour); }
    svg { display: block; width: 100%; height: auto; overflow: visible; }
    .base { --colour: var(--base); } .sft { --colour: var(--sft); }
    .ppo { --colour: var(--ppo); } .proxy { --colour: var(--proxy); }
    .gold { --colour: var(--gold); } .other { --colour: var(--other); }
    .first { --colour: var(--sft); } .second { --colour: var(--ppo); }
    .third { --colour: var(--other); } .fourth { --colour: var(--proxy); }
    .fifth { --colour: var(--gold); } .sixth { --colour: var(--base); }
    .figures td, .figures th { white-space: normal; }
    .figures td.published { text-align: left; color: var(--soft); font-size: 13px; }
    svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
    svg text.value { fill: var(--colour); font-weight: 600; }
    .grid { stroke: var(--rule); stroke-width: 1; }
    .axis { stroke: var(--axis); stroke-width: 1; }
    .reference { stroke: var(--axis); stroke-width: 1.2; stroke-dasharray: 1.5 4;
      stroke-linecap: round; }
    .categories { display: grid; grid-template-columns: auto minmax(0, 1fr) auto;
      gap: 0 16px; align-items: center; font-size: 14px; margin-top: 14px; }
    .categories .name { text-align: right; line-height: 1.2; }
    .categories .figure { color: var(--colour); font-weight: 600; font-size: 13px;
      font-variant-numeric: tabular-nums; }
    .track, .scale { position: relative; height: 30px; margin: 0 6px; }
    .track { background: repeating-linear-gradient(to right, var(--rule) 0 1px,
      transparent 1px calc((100% - 1px) / 4)); }
    .track .dot { position: absolute; top: 9px; width: 12px; height: 12px; margin: 0 0 0 -6px;
      border: 1px solid var(--ground); }
    .reach { position: absolute; top: 13px; height: 4px; border-radius: 2px;
      background: var(--rule); }
    .scale span { position: absolute; transform: translateX(-50%); top: 4px; font-size: 12px;
      color: var(--soft); font-variant-numeric: tabular-nums; }
    .line { fill: none; stroke: var(--colour); stroke-width: 2.2; stroke-linejoin: round;
      stroke-linecap: round; }
    .line.dashed { stroke-dasharray: 6 5; }
    .faint { fill: none; stroke: var(--colour); stroke-width: 1; opacity: 0.3;
      stroke-linejoin: round; }
    .mark { fill: var(--colour); stroke: var(--ground); stroke-width: 1; }
    .interval { stroke: var(--colour); stroke-width: 1.4; opacity: 0.7; }
    .hit { fill: transparent; }
    .hit:hover { fill: var(--colour); }
    .bar { fill: var(--sft); }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { text-align: right; vertical-align: baseline; padding: 9px 0 9px 22px;
      border-bottom: 1px solid var(--rule); font-weight: 400; white-space: nowrap; }
    thead th { font-size: 14px; font-weight: 600; border-bottom-color: var(--axis); }
    thead th.measure, thead th.strip, .stages th { color: var(--soft); font-weight: 400; }
    th:first-child { text-align: left; padding-left: 0; white-space: normal; }
    tbody th { font-weight: 600; }
    .stages tbody th { color: var(--ink); }
    .results td { font-size: 17px; }
    .results thead th { width: 15%; }
    .results thead th.measure { width: auto; }
    .results thead th.n { width: 7%; }
    .results td.n { font-size: 14px; color: var(--soft); }
    .results td small { white-space: normal; max-width: 13em; margin-left: auto; }
    .results td small span { display: inline-block; white-space: nowrap; padding-left: 0.6em; }
    .results .strip { width: 200px; text-align: center; vertical-align: middle; }
    .results td.strip { padding-top: 6px; padding-bottom: 6px; }
    .arrow { color: var(--soft); font-weight: 400; }
    .stages .time { width: 34%; }
    .stages .time svg { height: 10px; }
    .figures .file { text-align: left; }
    .stages .file { text-align: left; font-size: 13px; color: var(--soft); }
    article { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 8fr); gap: 8px 48px;
      padding: 22px 0; border-top: 1px solid var(--rule); }
    .category { margin: 0 0 6px; font-style: italic; }
    .turn, .said { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 4px; }
    .speaker { color: var(--soft); font-size: 13px; display: block; }
    .answer { display: grid; grid-template-columns: 104px minmax(0, 1fr); padding: 0 0 10px; }
    .who { font-size: 14px; font-weight: 600; margin: 1px 0 0; }
    .grades { margin: 0; font-variant-numeric: tabular-nums; }
    summary { cursor: pointer; padding: 14px 0; color: var(--sft); }
    section.full > h3 { margin: 32px 0 8px; }
    .command { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
    .configuration { columns: 3 280px; column-gap: 48px; margin: 0; }
    .configuration div { display: flex; justify-content: space-between; gap: 16px;
      border-bottom: 1px solid var(--rule); padding: 4px 0; break-inside: avoid; }
    .configuration dd { margin: 0; font-size: 13px; text-align: right;
      overflow-wrap: anywhere; min-width: 0; }
    footer { border-top: 1px solid var(--rule); padding-top: 18px; }
    @media (max-width: 900px) {
      main { padding: 28px 16px; }
      h1 { font-size: 31px; } .lead { font-size: 18px; }
      section { display: block; padding: 30px 0; }
      .prose { position: static; margin-bottom: 24px; }
      .charts { grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
      article { display: block; } .prompt { margin-bottom: 14px; }
    }
    @media (max-width: 620px) {
      .results .strip, .results th small, .stages .time { display: none; }
      th, td { padding-left: 12px; }
      .results td { font-size: 15px; }
      .results td small { max-width: 7.5em; font-size: 11.5px; }
      .answer { display: block; }
    }
    @media print { .prose { position: static; } section, figure, article { break-inside: avoid; } }
    """
}
