// Every word on the form, Chinese and English.

const WORDS = {
  skip: ["跳到表单", "Skip to the form"],
  title: ["随手报", "report"],
  danger: ["有人身危险请直接拨打 110、119、120。", "If life is in danger call 110, 119 or 120 at once."],
  what: ["什么事", "What is the matter"],
  text: ["请写明情况（必填）", "Say what you see (required)"],
  "text.example": ["例：农贸市场门口三盏路灯不亮", "e.g. three street lamps are dark at the market gate"],
  "text.hint": ["请不要写他人姓名、电话、证件号。", "Please write no names, telephone or ID numbers of others."],
  "text.missing": ["请写明是什么事。", "Please say what is the matter."],
  "text.long": ["太长了：情况和位置合起来最多 {most} 字，现在 {n} 字，请写短些。", "Too long: matter and place may have {most} characters together and have {n}; please shorten."],
  photos: ["照片", "Photos"],
  "photo.add": ["拍照或选照片", "Take or choose a photo"],
  "photo.hint": ["最多 3 张，发送前自动缩小。", "3 at most; made smaller before they are sent."],
  "photo.many": ["最多 3 张照片。", "3 photos at most."],
  "photo.unreadable": ["这张照片打不开，请换一张。", "This photo cannot be opened; please take another."],
  "photo.one": ["照片 {n}", "Photo {n}"],
  "photo.remove": ["删除照片 {n}", "Remove photo {n}"],
  where: ["在哪里", "Where"],
  here: ["我就在现场", "I am there now"],
  "here.asking": ["正在定位……", "Looking for you…"],
  "here.no": ["无法定位，请在地图上点选或选乡镇。", "Your place cannot be told; tap the map or choose a town."],
  outside: ["这个位置不在本县，请在地图上点选。", "That place is not in this county; tap the map instead."],
  town: ["乡镇", "Town"],
  village: ["村、社区", "Village"],
  "town.any": ["请选择", "Choose"],
  "village.any": ["不清楚", "Not sure"],
  map: ["县域地图，点一下选位置", "Map of the county: tap to choose a place"],
  "map.hint": ["在地图上点一下；用键盘：方向键移动，回车选定，+ 和 - 缩放。", "Tap the map; by keyboard: arrows move, Enter chooses, + and - zoom."],
  "map.none": ["地图未能载入，请用文字写明位置。", "The map could not be loaded; please say where in words."],
  nearer: ["放大", "Zoom in"],
  farther: ["缩小", "Zoom out"],
  chosen: ["已选：{where}", "Chosen: {where}"],
  passing: ["准星在{where}，按回车选定", "Over {where}; Enter chooses it"],
  point: ["{where}（地图上的点）", "{where} (a point on the map)"],
  address: ["具体位置（文字）", "Where exactly, in words"],
  "address.example": ["例：卫生院对面、第二个路口", "e.g. opposite the clinic gate"],
  "where.missing": ["请选择或写明位置。", "Please choose or say where."],
  who: ["怎么联系您（可不填）", "How to reach you (optional)"],
  "who.hint": ["加密保存，只给经办人看。", "Kept encrypted; only who handles it may see it."],
  name: ["称呼", "Name"],
  phone: ["电话", "Telephone"],
  secret: ["为我保密", "Keep me secret"],
  "secret.hint": ["保密的事项不对外公开，只有县级负责人能看到是谁报的。", "A secret matter is not public; only the county's head may see who reported it."],
  grid: ["我是网格员", "I am a grid worker"],
  "grid.key": ["密钥", "Key"],
  "key.hint": ["由县指挥中心发放。不存在本机，每次打开页面要重新输入。", "Given out by the county's command centre. It is not kept here: enter it each time you open the page."],
  "key.again": ["上次没有发完。请重新输入密钥，再按“发送”；已经收到的不会重复登记。", "The last report was not sent to its end. Enter your key again and press Send: what arrived is not registered twice."],
  "grid.category": ["类别", "Category"],
  "grid.any": ["自动识别", "By the words"],
  send: ["发送", "Send"],
  saved: ["草稿已存在本机", "Draft kept on this device"],
  "saved.not": ["本机不能存草稿，离开页面会丢失", "This device keeps no drafts: leaving the page loses it"],
  line: ["现在没有网络。写好后按“发送”，有网时自动发出。", "You are offline. Press Send when ready: it goes out once you are online."],
  alike: ["邻居可能已经报过", "Neighbours may have reported this"],
  "alike.hint": ["如果是同一件事，请加入，会一起办理、一起答复。", "If it is the same matter, join it: it is handled and answered together."],
  "alike.reports": ["已有 {n} 人反映", "reports so far: {n}"],
  "alike.metres": ["距您选的位置约 {n} 米", "about {n} m from your place"],
  "alike.since": ["{when} 起", "since {when}"],
  "alike.join": ["是这件事，加入", "It is this: join"],
  "alike.mine": ["都不是，发送我的", "None of these: send mine"],
  back: ["返回修改", "Back to the form"],
  sending: ["正在发送", "Sending"],
  "sending.at": ["已发送 {n}%", "{n}% sent"],
  "sending.waits": ["网络不好，{n} 秒后自动重试。可以留着这个页面。", "The line is bad; trying again in {n} s. You may leave this page open."],
  "sending.offline": ["没有网络。有网时自动发出，请留着这个页面；关掉后再打开也会继续。", "Offline. It goes out once you are online; closed and opened again, this page goes on."],
  "sending.busy": ["服务繁忙，{n} 秒后自动重试。", "The service is busy; trying again in {n} s."],
  stop: ["停止，返回修改", "Stop and change it"],
  done: ["已收到", "Received"],
  "done.new": ["已登记，将按类别派给责任单位。", "It is registered and goes to whoever is responsible."],
  "done.waits": ["已收到，工作人员将尽快核实立案。", "It is received; somebody will look at it soon."],
  "done.joined": ["已并入同一件事，会一起答复您。", "It joined the same matter; you will be answered too."],
  "code.hint": ["请记下查询码。凭它查进度、评价、要求重办；只显示这一次。", "Note this code: with it you follow, rate and reopen your report. It is shown only now."],
  copy: ["复制查询码", "Copy the code"],
  copied: ["已复制", "Copied"],
  follow: ["查看进度", "Follow it"],
  another: ["再报一件", "Report another matter"],
  "track.go": ["凭查询码查进度", "Follow a report by its code"],
  "report.go": ["我要上报", "Report a matter"],
  "track.title": ["查进度", "Follow a report"],
  "code.label": ["查询码", "Tracking code"],
  "code.no": ["没有这个查询码，请核对。", "There is no such code; please check it."],
  "code.soon": ["刚刚提交的还在登记，正在重试……", "If it was sent just now it is still on its way; trying again…"],
  "track.ask": ["查询", "Look"],
  about: ["{category}，{area}", "{category}, {area}"],
  reports: ["共 {n} 人反映", "{n} reports"],
  due: ["{what}，最晚 {when}", "{what}, by {when}"],
  held: ["暂缓办理，{when} 前恢复", "on hold until {when}"],
  steps: ["办理过程", "What was done"],
  yours: ["您的上报", "your report"],
  rate: ["您对结果满意吗", "Are you content with the outcome"],
  "rate.satisfied": ["满意", "Satisfied"],
  "rate.basically": ["基本满意", "Basically satisfied"],
  "rate.not": ["不满意", "Not satisfied"],
  "rate.note": ["还想说的话（可不填）", "Anything to add (optional)"],
  "rate.send": ["提交评价", "Send the rating"],
  "rate.missing": ["请选一项。", "Please choose one."],
  "rate.thanks": ["谢谢，已收到您的评价。", "Thank you, your rating was received."],
  reopen: ["还没解决？请说明，我们重新办理", "Not solved? Say why and it is opened again"],
  "reopen.until": ["可在 {when} 前提出。", "Possible until {when}."],
  "reopen.send": ["要求重新办理", "Have it opened again"],
  "reopen.missing": ["请说明哪里没有解决。", "Please say what is not solved."],
  "reopen.thanks": ["已重新办理，请留意进度。", "It is opened again; follow it here."],
  "no.line": ["网络不通，请稍后再试。", "No connection; please try again later."],
  "no.busy": ["请求太频繁，请 {n} 秒后再试。", "Too many requests; please try again in {n} s."],
  "no.state": ["现在不能这样做，请刷新后再看。", "That is not possible now; please look again."],
  "no.photos": ["这里不收照片，请去掉照片再发。", "No photos are taken here; please send it without."],
  "no.photo": ["第 {n} 张照片用不了（已损坏或太大），请删掉或换一张再发。", "Photo {n} cannot be used (damaged or too large); remove it or take another, then send again."],
  "no.heavy": ["照片太大，请减少张数再发。", "The photos are too large; send fewer."],
  "no.key": ["密钥不对或已失效。请核对；还不行就向县指挥中心要新的。", "The key is wrong or no longer valid. Check it, or ask the county's command centre for another."],
  "no.area": ["这个密钥不能在所选位置上报。请改选您负责的片区。", "This key does not report for the chosen place. Choose one in your own area."],
  "no.text": ["情况说明里有不能发送的字符。请改写后再发。", "The words hold characters that cannot be sent. Please write them anew."],
  "no.place": ["找不到这个位置，或不在本县。请选乡镇，或在地图上点选。", "That place is not known, or not in this county. Choose a town or tap the map."],
  "no.who": ["称呼或电话的写法不对。请改正，也可以不填。", "Name or telephone cannot be read. Mend them or leave them empty."],
  "no.other": ["没有发出去（{status}）。请稍后再试；还不行请拨打 12345。{why}", "It was not sent ({status}). Try again later, or call 12345. {why}"],
  "no.away": ["服务暂时不可用，请稍后再试。", "The service is away for the moment; please try again later."],
};

export const languages = ["zh-CN", "en"];

export function language() {
  try {
    const kept = localStorage.getItem("whistle.lang");
    if (languages.includes(kept)) return kept;
  } catch { /* A browser that keeps nothing is asked each time. */ }
  return (navigator.language || "zh").toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

export function speak(chosen) {
  try { localStorage.setItem("whistle.lang", chosen); } catch { /* see above */ }
}

export const pick = (words) => (words ? (language() === "en" ? words.en : words.zh) : "");

export function t(key, values = {}) {
  const [zh, en] = WORDS[key] || [key, key];
  return (language() === "en" ? en : zh).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export function when(text) {
  const shown = { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false };
  return new Intl.DateTimeFormat(language(), shown).format(new Date(text));
}

export function apply(root = document) {
  document.documentElement.lang = language();
  for (const one of root.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of root.querySelectorAll("[data-t-label]")) one.setAttribute("aria-label", t(one.dataset.tLabel));
  for (const one of root.querySelectorAll("[data-t-placeholder]")) one.placeholder = t(one.dataset.tPlaceholder);
  const button = document.getElementById("lang");
  if (button) {
    const other = language() === "en" ? ["中文", "zh-CN"] : ["English", "en"];
    [button.textContent, button.lang] = other;
  }
}

export function switching(changed) {
  document.getElementById("lang").addEventListener("click", () => {
    speak(language() === "en" ? "zh-CN" : "en");
    apply();
    changed();
  });
}
