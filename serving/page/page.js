// Sends the text to /v1/triage and shows the answer. Offsets are code points, so texts are split with Array.from.
"use strict";

const SAMPLE =
  "我妈六十八岁，去存三年定期，理财经理说换个产品保本、利息高一倍，签完字才知道是五年的保险，现在要退只能拿回八成。" +
  "已经找了三次没人管，再不解决我就打12378。电话138 0000 1234";
const BANDS = { auto: "高 · 可自动预填", suggest: "中 · 建议", human: "低 · 需人工" };
const DECISIONS = { auto: "可自动预填", suggest: "建议采用", human: "须人工处理" };
const PRIORITIES = { urgent: "紧急", high: "高", normal: "普通" };
const GROUPS = { P: "个人信息侵害", S: "销售误导", E: "升级风险", X: "代理投诉提示", C: "投诉原因依据" };
const FACETS = [
  ["order_type", "工单类型"], ["category", "业务类别"], ["leaf", "业务细类"],
  ["cause", "投诉原因"], ["subcause", "具体原因"], ["channel", "业务渠道"],
];
const REASONS = {
  low_confidence: "置信度低", irrelevant: "疑似与银行业务无关", out_of_scope: "中文内容过少，模型读不准",
  truncated: "文本过长，末尾只查了词表",
};
const SOURCES = { model: "", rule: "（词表）", "model+rule": "（模型与词表）" };

const byId = (id) => document.getElementById(id);

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

const percent = (value) => (value * 100).toFixed(0) + "%";

async function triage(event) {
  event.preventDefault();
  byId("problem").hidden = true;
  byId("submit").disabled = true;
  try {
    const headers = { "Content-Type": "application/json" };
    if (byId("token").value) headers.Authorization = "Bearer " + byId("token").value;
    const response = await fetch("/v1/triage", {
      method: "POST", headers, body: JSON.stringify({ text: byId("text").value }),
    });
    const body = await response.json();
    if (response.status === 401) byId("token-row").hidden = false;
    if (response.ok) show(body);
    else complain(body.error.message_zh);
  } catch {
    complain("连接不上服务，文本仍在输入框中，请稍后重试。");
  } finally {
    byId("submit").disabled = false;
  }
}

function complain(message) {
  byId("problem").textContent = message;
  byId("problem").hidden = false;
  byId("result").hidden = true;
}

function show(answer) {
  showDecision(answer.decision);
  showText(answer);
  showFacets(answer);
  showFlags(answer.flags);
  showMatters(answer);
  const { bundle, taxonomy } = answer.versions;
  byId("versions").textContent =
    `模型 ${bundle} · 分类标准 ${taxonomy} · 用时 ${answer.timings.total_ms.toFixed(1)} 毫秒`;
  byId("result").hidden = false;
}

function showDecision(decision) {
  const node = byId("decision");
  node.replaceChildren(element("span", DECISIONS[decision.band]), "，优先级 ",
    element("span", PRIORITIES[decision.priority], decision.priority));
  const reasons = decision.reasons
    .filter((reason) => !reason.startsWith("flag:"))
    .map((reason) => {
      const [kind, field] = reason.split(":");
      const name = FACETS.find(([key]) => key === field);
      return (name ? name[1] : "") + REASONS[kind];
    });
  if (reasons.length) node.append(element("span", "（" + reasons.join("；") + "）", "hint"));
}

// Which label groups show each character, then runs of the same groups become one mark.
function showText(answer) {
  const characters = Array.from(answer.redacted_text);
  const shown = characters.map(() => new Map());
  const sources = answer.flags.map((flag) => [flag.group, `${flag.code} ${flag.name} ${percent(flag.probability)}`, flag.evidence]);
  if (answer.cause) sources.unshift(["C", `${answer.cause.code} ${answer.cause.name}`, answer.cause.evidence]);
  for (const [group, title, evidence] of sources) {
    for (const piece of evidence) {
      for (let i = piece.redacted_start; i < piece.redacted_end; i++) shown[i].set(title, group);
    }
  }
  const node = byId("redacted");
  node.replaceChildren();
  for (let start = 0; start < characters.length;) {
    const key = [...shown[start].keys()].join(" · ");
    let end = start + 1;
    while (end < characters.length && [...shown[end].keys()].join(" · ") === key) end++;
    node.append(piece(characters.slice(start, end).join(""), shown[start], key));
    start = end;
  }
  const groups = [...new Set(sources.filter(([, , evidence]) => evidence.length).map(([group]) => group))];
  byId("legend").replaceChildren(...groups.map((group) => {
    const item = element("li");
    item.append(element("mark", GROUPS[group], group));
    return item;
  }));
}

function piece(text, labels, title) {
  const content = text.split(/(〔[^〔〕]+〕)/).filter(Boolean)
    .map((part) => (part.startsWith("〔") ? element("span", part, "chip") : document.createTextNode(part)));
  if (!labels.size) {
    const fragment = document.createDocumentFragment();
    fragment.append(...content);
    return fragment;
  }
  // Risk before cause: the last label added is the most specific.
  const mark = element("mark", undefined, [...labels.values()].pop());
  mark.title = title;
  mark.append(...content);
  return mark;
}

function showFacets(answer) {
  const rows = FACETS.map(([key, name]) => {
    const facet = answer[key];
    const row = element("tr");
    row.append(element("th", name));
    row.firstChild.scope = "row";
    if (!facet) {
      row.append(element("td", "无"), element("td"), element("td"));
      return row;
    }
    const others = element("td");
    const list = element("ul");
    list.append(...facet.alternatives.filter((other) => other.confidence >= 0.01).slice(0, 2)
      .map((other) => element("li", `${other.name} ${percent(other.confidence)}`)));
    others.append(list);
    // Codes of the regulator's facets are read by people, the others are words of the API.
    const code = /^[BC]\d/.test(facet.code) ? facet.code + " " : "";
    row.append(element("td", code + facet.name),
      element("td", `${percent(facet.confidence)} ${BANDS[facet.band]}`, "figure"), others);
    return row;
  });
  if (answer.causes2.length) {
    const row = element("tr");
    row.append(element("th", "次要原因"), element("td", answer.causes2.join("，")),
      element("td"), element("td"));
    rows.push(row);
  }
  byId("facets").tBodies[0].replaceChildren(...rows);
}

function showFlags(flags) {
  const items = flags.map((flag) => {
    const item = element("li");
    item.append(element("mark", `${GROUPS[flag.group]} ${flag.code}`, flag.group),
      ` ${flag.name} ${percent(flag.probability)}${SOURCES[flag.source]} `, ...flag.evidence.map((piece) => element("q", piece.text)));
    return item;
  });
  byId("flags").replaceChildren(...(items.length ? items : [element("li", "没有发现风险提示。")]));
}

// Money in dispute, and the several matters of a mixed complaint.
function showMatters(answer) {
  const characters = Array.from(answer.redacted_text);
  const words = (part) => characters.slice(part.redacted_start, part.redacted_end).join("");
  const items = answer.issues.map((issue) => {
    const item = element("li", [issue.leaf, issue.cause].filter(Boolean).join(" · ") + " ");
    item.append(element("q", words(issue)));
    return item;
  });
  if (answer.amount) items.unshift(element("li", `涉及金额：${answer.amount.text}`));
  byId("matters").replaceChildren(...items);
  byId("matters-title").hidden = !items.length;
}

byId("form").addEventListener("submit", triage);
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("form").requestSubmit();
});
byId("text").addEventListener("input", () => {
  byId("count").textContent = Array.from(byId("text").value).length + " / 20000 字";
});
byId("sample").addEventListener("click", () => {
  byId("text").value = SAMPLE;
  byId("text").dispatchEvent(new Event("input"));
  byId("text").focus();
});
