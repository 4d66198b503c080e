// Every sentence of the page, Chinese and English. {name} stands for a value.

import { roomStrings } from "./room/strings";

export type Lang = "zh" | "en";

const table = {
  ...roomStrings,
  app: ["联户", "Lianhu"],
  subtitle: ["网格规划图", "Grid planning map"],
  // regions and plans
  region: ["区划", "Region"],
  choose: ["请选择", "choose"],
  allRegions: ["全部区划", "All regions"],
  level_city: ["市", "City"], level_county: ["县（区）", "County"], level_township: ["乡镇（街道）", "Township"], level_village: ["村（社区）", "Village"],
  committee: ["居民委员会|村民委员会", "居民委员会|村民委员会"],
  plan: ["方案", "Plan"],
  loading: ["正在读取…", "Loading …"], notRead: ["没有读到，请重试。", "It could not be read: try again."],
  noPlans: ["此区划还没有方案。在“方案”页生成一个。", "There is no plan here yet. Generate one on the Plan tab."],
  noRegions: ["库里还没有区划。先导入区划，再导入住户。", "The store has no regions. Import regions first, then households."],
  status_draft: ["草案", "draft"], status_live: ["现行", "in force"], status_retired: ["停用", "retired"],
  pickVillage: ["选择一个村开始：点地图或下表。", "Choose a village to begin: on the map or below."],
  gridsN: ["{n} 个网格", "{n} grids"], householdsN: ["{n} 户", "{n} households"], buildingsN: ["{n} 栋", "{n} buildings"],
  personsN: ["{n} 人", "{n} people"], unitsN: ["{n} 个单元", "{n} units"], problemsN: ["{n} 个问题", "{n} problems"], kmN: ["{n} 米", "{n} m"],
  readOnly: ["{status}方案（{span}）不能直接修改", "A plan {status} ({span}) is not edited directly"],
  fork: ["另存为草案并继续", "Continue in a draft"],
  forkWhy: ["现行方案只读。修改会写进一份草案，公布前现行方案不变。", "The plan in force is read only. Changes go to a draft; the plan in force stays until you publish."],
  forkName: ["草案名称", "Name of the draft"],
  draftOf: ["{name} 草案", "{name} draft"],
  // tools
  tools: ["工具", "Tools"],
  tool_select: ["选择", "Select"], tool_brush: ["画笔", "Brush"], tool_rectangle: ["框选", "Rectangle"], tool_lasso: ["套索", "Lasso"], tool_cut: ["切割线", "Cut line"],
  hint_select: ["点楼栋选中（Shift 加选，Alt 减选）；点网格看它；拖动移图。", "Click a building to select it (Shift adds, Alt subtracts), a grid to look at it; drag to pan."],
  hint_brush: ["在 {grid} 上涂抹楼栋，松开即生效，Esc 取消。", "Paint buildings into {grid}; release applies, Esc cancels."],
  hint_brushNone: ["从一个网格按下，涂进相邻网格，即把楼栋划给起笔的网格；或先在表中选定接收网格。", "Press in one grid and paint into the next: buildings join the grid where you began. Or choose the receiving grid first."],
  hint_rectangle: ["拖出矩形选中楼栋（Shift 加选，Alt 减选），再按数字键或“划入”。", "Drag a rectangle to select buildings (Shift adds, Alt subtracts), then press a number or Assign."],
  hint_lasso: ["圈出楼栋（Shift 加选，Alt 减选），再按数字键或“划入”。", "Draw round buildings (Shift adds, Alt subtracts), then press a number or Assign."],
  hint_cut: ["在一个网格上画线，沿线把它分成两个。", "Draw a line across a grid to split it in two."],
  brushSize: ["画笔半径", "Brush radius"],
  undo: ["撤销", "Undo"], redo: ["重做", "Redo"],
  undone: ["已撤销，版本 {v}", "Undone, version {v}"], redone: ["已重做，版本 {v}", "Redone, version {v}"],
  nothingToUndo: ["没有可撤销的修改", "Nothing to undo"], nothingToRedo: ["没有可重做的修改", "Nothing to redo"],
  zoomIn: ["放大", "Zoom in"], zoomOut: ["缩小", "Zoom out"], zoomAll: ["看全村", "Whole village"],
  // tabs
  tab_grids: ["网格", "Grids"], tab_units: ["单元", "Units"], tab_problems: ["问题", "Problems"], tab_history: ["历史", "History"], tab_plan: ["方案", "Plan"],
  // grids
  code: ["编码", "Code"], name: ["名称", "Name"], households: ["户数", "Households"], target: ["目标", "Target"], deviation: ["偏差", "Deviation"],
  unit_h: ["户", "households"], key: ["键", "Key"],
  dedicated: ["专属", "dedicated"], locked: ["已锁定", "locked"], lockMark: ["锁", "locked"], officersMark: ["人选锁定", "officers locked"], homesShort: ["{n} 户", "{n} hh"],
  meanTarget: ["每网格目标 {n} 户，容差 ±{p}", "Target {n} households a grid, tolerance ±{p}"],
  noTarget: ["本村网格按登记的自然寨、村民小组或楼栋划定，不设户数目标。", "The grids of this village follow its hamlets, groups or buildings: no target of households."],
  largestDeviation: ["最大偏差 {p}", "Largest deviation {p}"],
  compactness: ["平均紧凑度 {n}", "Mean compactness {n}"],
  receiver: ["接收网格", "Receiving grid"], noReceiver: ["未选定接收网格", "No receiving grid chosen"],
  levelOne: ["一级网格由下级网格组成，请选一个下级网格接收。", "A level-1 grid is made of the grids below it: choose one of those to receive."],
  assign: ["把 {n} 栋划入 {grid}", "Assign {n} buildings to {grid}"],
  selected: ["已选 {n} 栋，{h} 户", "{n} buildings selected, {h} households"],
  clear: ["清除选择", "Clear selection"],
  lock: ["锁定", "Lock"], unlock: ["解锁", "Unlock"], lockAll: ["全部锁定", "Lock all"], unlockAll: ["全部解锁", "Unlock all"],
  lockBuildings: ["锁定所选楼栋", "Lock selected buildings"], unlockBuildings: ["解锁所选楼栋", "Unlock selected buildings"],
  rename: ["改名", "Rename"], splitCount: ["按数拆分", "Split by count"], splitInto: ["拆成（个）", "Into (grids)"], merge: ["合并", "Merge"],
  mergeWith: ["相邻网格", "Neighbour"], dedicate: ["设为专属网格", "Make a dedicated grid"], dedicateName: ["单位名称，如“镇中心小学”", "Name of the institution"],
  retire: ["撤销专属网格", "End dedicated grid"], rebalance: ["均衡其余网格", "Rebalance the rest"], reform: ["重组单元", "Form units anew"],
  cancel: ["取消", "Cancel"], accept: ["采用", "Accept"], drop: ["放弃", "Drop"], close: ["关闭", "Close"], 
  // stroke
  strokeMoved: ["划入 {grid}：{b} 栋 {h} 户", "Into {grid}: {b} buildings, {h} households"],
  unitsTouched: ["影响 {n} 个单元", "{n} units touched"],
  heldN: ["{n} 处被锁定，未动", "{n} held by locks"],
  gridTotal: ["网格 {grid}：{h} 户", "grid {grid}: {h} households"],
  applied: ["已生效，版本 {v}：{what}", "Applied, version {v}: {what}"],
  cancelled: ["已取消，未作修改", "Cancelled, nothing changed"],
  nothingMoved: ["没有可划入的楼栋", "Nothing to assign"],
  strandedTitle: ["这样划会让 {grid} 断开", "This would cut {grid} apart"],
  strandedPart: ["画斜线的 {b} 栋 {h} 户与 {grid} 的其余部分不相连：{names}", "The hatched {b} buildings with {h} households no longer touch the rest of {grid}: {names}"],
  strandedHomes: ["（户号 {ids}）", " (households {ids})"], strandedMore: ["共 {n} 处断开，都画了斜线。", "{n} parts in all; every one is hatched."],
  strandedGive: ["一并划给 {grid}（G）", "Give them to {grid} (G)"],
  strandedKeep: ["作为草案问题保留（K）", "Keep as a draft problem (K)"],
  strandedCancel: ["取消（Esc）", "Cancel (Esc)"],
  refusedTitle: ["不能这样改", "This cannot be done"],
  firstDo: ["先做：", "First: "],
  remedy: ["按建议执行", "Do as proposed"],
  showMore: ["显示其余 {n} 户", "Show the other {n} households"],
  andMore: ["等 {n} 个", "and {n} in all"],
  // keyboard
  mapLabel: ["地图。方向键在相邻楼栋间移动，空格选中，A 设为接收网格，回车划入，数字键划入该序号网格，N 查看下一问题。", "Map. Arrow keys walk between neighbouring buildings, Space selects, A makes the grid the receiver, Enter assigns, a number assigns to that grid, N goes to the next problem."],
  focusAt: ["{ids}，{h} 户，{grid}", "{ids}, {h} households, {grid}"],
  receiverIs: ["接收网格 {grid}，{h} 户", "Receiving grid {grid}, {h} households"],
  // units
  unitsOf: ["{grid} 的十联户单元", "Ten-household units of {grid}"],
  pickGridFirst: ["先在“网格”页或地图上选一个网格。", "Choose a grid first, on the Grids tab or the map."],
  leader: ["联户长", "Leader"], deputies: ["副联户长", "Deputies"], members: ["成员", "Members"], noLeader: ["未定", "not set"],
  sizeRule: ["每单元 {min}–{max} 户，副联户长 {d} 名", "{min}–{max} households each, {d} deputies"],
  outOfSize: ["超出范围", "outside the bounds"], exception: ["例外：{why}", "Exception: {why}"],
  moveTo: ["移到单元", "Move to unit"], setOfficers: ["保存联户长", "Save officers"], lockOfficers: ["锁定人选", "Lock officers"], unlockOfficers: ["解锁人选", "Unlock officers"],
  noUnits: ["这个网格还没有单元。点“重组单元”生成。", "This grid has no units yet. Form them anew."],
  noCandidate: ["{id}（非候选）", "{id} (no candidate)"],
  hiddenHouseholds: ["当前账户看不到户号。要看名单和移动住户，请管理员把账户设为规划员。", "This account does not see household ids. To see and move members, ask an administrator to make it a planner's."],
  // problems
  noProblems: ["没有问题，可以公布。", "No problems: ready to publish."], problemsHint: ["按 N / Shift+N 逐个查看。", "N / Shift+N walks through them."],
  problemAt: ["问题 {i}/{n}：{text}", "Problem {i} of {n}: {text}"], tolerance: ["{grid} 偏差 {p}，超出容差", "{grid} deviates by {p}, outside the tolerance"],
  problemOf: ["{grid} {what}", "{grid} {what}"], problemWithIds: ["{grid} {what}：{ids}", "{grid} {what}: {ids}"],
  soft: ["提示", "note"],
  // history
  noHistory: ["还没有修改。改动草案后，每一步都列在这里，可撤销和重做。", "No edits yet. Change the draft: every step is listed here, to be undone and redone."], undoneMark: ["已撤销", "undone"], hash: ["村指纹", "Village hash"], version: ["版本 {v}", "version {v}"],
  op_transfer_buildings: ["划转楼栋", "Buildings moved"], op_split_grid: ["拆分网格", "Grid split"], op_merge_grids: ["合并网格", "Grids merged"],
  op_create_dedicated: ["设专属网格", "Dedicated grid made"], op_retire_dedicated: ["撤专属网格", "Dedicated grid ended"], op_move_household: ["移动住户", "Household moved"],
  op_set_officers: ["设定联户长", "Officers set"], op_lock: ["锁定", "Locked"], op_unlock: ["解锁", "Unlocked"], op_rename: ["改名", "Renamed"],
  op_rebalance: ["均衡", "Rebalanced"], op_reform_units: ["重组单元", "Units formed anew"], op_absorb: ["跟随名册", "Register followed"], op_ledger: ["台账导回", "Ledger brought back"], op_other: ["修改", "Edit"],
  // plan
  generate: ["生成新方案", "Generate a plan"], profile: ["规则", "Rules"], seed: ["随机种子", "Seed"], seconds: ["用时上限（秒）", "Time limit (s)"],
  targetWish: ["每网格户数", "Households a grid"], toleranceWish: ["容差（%）", "Tolerance (%)"], asRules: ["按规则 {n}", "by the rules {n}"], targetNone: ["不设目标", "none"],
  barriersRegistered: ["按登记", "As registered"], barriersHard: ["不得跨越勾选的种类", "Never cross those ticked"], barrier_river: ["河流", "River"], barrier_lake: ["湖库", "Lake"], barrier_railway: ["铁路", "Railway"], barrier_road: ["道路", "Road"],
  beyond: ["{village}：最大偏差 {d}，超出容差 {p}。{why}", "{village}: deviates by {d}, beyond the tolerance of {p}. {why}"], better_taken: ["已证明没有更均衡的划法。", "Proven: no division is more even."],
  better_not_decided: ["没有找到更均衡的划法。", "None more even was found."], exceptionsMade: ["{n} 个单元户数不合规则（共 {h} 户），原因列在单元页", "{n} exceptions with {h} households; the Units tab says why of each"],
  oldNets: ["沿用旧网边界", "Re-use the borders of old nets"], start: ["开始", "Start"], running: ["正在生成：{stage}", "Working: {stage}"], beginning: ["正在准备…", "Getting ready…"], share: ["已完成 {p}", "{p} done"],
  jobDone: ["方案已生成：{g} 个网格，{u} 个单元", "The plan is made: {g} grids, {u} units"], jobFailed: ["没有生成：{why}", "No plan: {why}"], jobCancelled: ["已停止，没有生成方案", "Stopped, no plan made"],
  netsTitle: ["原有各网保留情况", "What each old net keeps"], net: ["原网", "Net"], netKept: ["保留边界", "Border kept"], netLost: ["失去边界", "Border lost"], netMoved: ["换网格户数", "Households moved"], kmOf: ["{a} / {b} 公里（{p}）", "{a} of {b} km ({p})"], kmAlone: ["{n} 公里", "{n} km"], ofHouseholds: ["{a} / {b} 户", "{a} of {b}"],
  openPlan: ["打开", "Open"],
  absorb: ["跟随名册", "Follow the register"], absorbHint: ["迁入、迁出、新楼、拆楼：只动不合规的单元", "Arrivals, departures, new and gone buildings: only units that became illegal change"],
  notFollowed: ["{n} 个村未能跟随，方案保持原样：{why}", "{n} villages could not follow and stay as they were: {why}"],
  behind: ["名册已变：{n} 户未编入单元，{d} 户、{b} 栋楼已不在本村。", "The register has changed: {n} households are in no unit, {d} households and {b} buildings are gone. "], behindFirst: ["请先跟随名册，再修改。", "Let the plan follow the register before you edit."],
  absorbed: ["已跟随名册：迁入 {a} 户，迁出 {d} 户，其余 {m} 户换单元", "Follows the register: {a} households came, {d} left, {m} others changed unit"],
  check: ["检查", "Check"], checkOk: ["版本 {v} 检查通过", "Version {v} passes every check"], checkBad: ["版本 {v} 有 {n} 处违反，不能公布", "Version {v} has {n} breaches and cannot be published"],
  checkPassed: ["通过", "passed"], checkBroken: ["{n} 处违反", "{n} breaches"],
  rule_H1: ["网格只属于一个村", "A grid lies in one village"], rule_H2: ["网格覆盖全村，不重不漏", "Grids cover the village, no gap, no overlap"], rule_H3: ["网格连片", "A grid is connected"],
  rule_H4: ["每户恰在一个网格、一个单元", "A household is in one grid and one unit"], rule_H5: ["楼栋不拆分", "A building is never split"], rule_H6: ["单元不跨网格", "A unit is inside one grid"],
  rule_H7: ["单元户数合规，例外有原因", "Unit sizes by the rules, exceptions with a reason"], rule_H8: ["联户长、副联户长足额", "Leader and deputies complete"], rule_H9: ["编码有效且唯一", "Codes valid and unique"],
  rule_H10: ["专属网格不计入均衡", "Dedicated grids outside the balance"], rule_H11: ["不跨硬障碍", "Nothing crosses a hard barrier"],
  rule_S1: ["户数均衡，最大偏差（{village}）", "Households even, largest deviation ({village})"], rule_S4: ["形状紧凑，平均（{village}）", "Compact shapes, mean ({village})"],
  publish: ["公布", "Publish"], publishDate: ["启用日期", "In force from"], published: ["已公布，自 {date} 起启用", "Published, in force from {date}"],
  publishWhy: ["公布后本方案只读，原现行方案停用但仍可查看。", "After that this plan is read only; the plan in force until then retires and stays on view."],
  publishedPlans: ["历次公布", "Published plans"], dayOf: ["某日现行方案", "In force on"], dayGo: ["查看", "Look"], since: ["{date} 起", "since {date}"],
  dayNone: ["{date} 还没有现行方案", "No plan was in force on {date}"], dayOpened: ["{date} 的现行方案：{plan}（{span}）", "In force on {date}: {plan} ({span})"],
  compare: ["对比方案", "Compare plans"], compareWith: ["与此方案对比", "Compare with"], compareNone: ["没有可对比的其他方案。先在上面生成一个，或另存为草案。", "There is no other plan to compare with. Generate one above, or continue in a draft."],
  changedGrid: ["换网格 {n} 户", "{n} households in another grid"], changedUnit: ["换单元 {n} 户", "{n} households in another unit"], comparedMap: ["拖动地图上的分隔线：左边是本方案，右边是对比方案；圈出的楼栋换了网格。", "Drag the divider on the map: this plan on the left, the other on the right; circled buildings are in another grid."], swipe: ["两个方案的分隔线", "Divider between the two plans"],
  endCompare: ["结束对比", "End comparison"],
  exports: ["导出", "Export"], ledgers: ["Excel 台账：", "Ledgers in Excel:"], wallMap: ["挂图：", "Wall map:"], layer_leaders: ["联户长", "Leaders"], layer_gaps: ["人员缺配", "Vacancies"], layer_summary: ["乡镇汇总", "Townships"], layer_grids: ["网格", "Grids"], layer_units: ["单元", "Units"], layer_buildings: ["楼栋", "Buildings"],
  layer_households: ["住户", "Households"], layer_regions: ["行政区划", "Regions"], layer_barriers: ["障碍", "Barriers"], layer_old_nets: ["原有网格", "Old nets"], layer_incidents: ["事件", "Incidents"], layer_officers: ["人员", "Officers"], layer_centres: ["综治中心", "Governance centres"],
  // basemap
  basemap: ["底图", "Basemap"], basemapNone: ["只有经纬网和本库图层。", "Longitude, latitude and our own layers only."], basemapChoose: ["本机 PMTiles 或 MBTiles 文件（在本页读取，存于本浏览器，不上传）", "PMTiles or MBTiles file of this computer (read in this page, kept in this browser, never sent)"],
  basemapShift: ["底图是 GCJ-02 坐标（移动底图，不移动数据）", "The basemap is in GCJ-02 (it is moved, the data is not)"], basemapOff: ["去掉底图", "Remove the basemap"], tianditu_vec: ["天地图 矢量", "Tianditu map"], tianditu_img: ["天地图 影像", "Tianditu image"], tiandituBy: ["© 天地图", "© Tianditu"],
  basemapBad: ["{file} 不是 PMTiles 或 MBTiles 底图，或者没有索引", "{file} is no basemap in PMTiles or MBTiles, or has no index"],
  // import
  import: ["导入", "Import"], importTitle: ["导入文件", "Import a file"], importWhy: ["先看清楚再入库：编码、坐标、列的对应、每一条坏行都会列出。", "Look first, store later: encoding, coordinates, columns and every bad row are shown."],
  importLayer: ["图层", "Layer"], importFile: ["文件（CSV、XLSX、GeoJSON、GeoPackage、Shapefile、FlatGeobuf、KML；规则还可用 TOML）", "File (CSV, XLSX, GeoJSON, GeoPackage, Shapefile, FlatGeobuf, KML; rules also TOML)"],
  importPrivacy: ["身份证号等个人信息列一律不保存，并在结果中列出。", "Personal columns such as identity numbers are never kept; the result names them."],
  importRead: ["检查文件", "Check the file"], importReading: ["正在检查", "Checking"], importWriting: ["正在入库", "Storing"], importStopped: ["已停止，库未改动", "Stopped, the register is as it was"],
  importJudge: ["核对“{file}”", "Check of {file}"], importEncoding: ["编码 {e}", "encoding {e}"], rowsN: ["{n} 行", "{n} rows"],
  count_insert: ["新增", "New"], count_update: ["更新", "Changed"], count_unchanged: ["未变", "As before"], count_conflict: ["冲突", "Conflicts"], count_bad: ["坏行", "Bad rows"], count_refused: ["未导入", "Left out"],
  importDatum: ["这些点整体偏离所属村庄，正像 {d} 的偏移。请确认后再入库。", "As a whole these points lie beside their villages, just as {d} shifts them. Please confirm before they are stored."],
  importShift: ["按 {d} 纠正", "Correct as {d}"], importKeep: ["坐标无误，不纠正", "Coordinates are right, keep them"],
  importSystem: ["坐标系", "Reference system"], system_wgs84: ["WGS 84", "WGS 84"], system_epsg4326: ["WGS 84", "WGS 84"], system_cgcs2000: ["CGCS2000（经纬度）", "CGCS2000 (degrees)"], system_epsg4490: ["CGCS2000（经纬度）", "CGCS2000 (degrees)"],
  system_gcj02: ["GCJ-02（火星坐标）", "GCJ-02 (Chinese web maps)"], system_bd09: ["BD-09（百度）", "BD-09 (Baidu)"], system_epsg4523: ["CGCS2000 三度带 35 带（EPSG:4523）", "CGCS2000 3° zone 35 (EPSG:4523)"],
  importColumns: ["列的对应", "Columns"], importDropped: ["个人信息列不导入：{list}", "Personal columns, not imported: {list}"], importColumn: ["列“{column}”是", "Column “{column}” is"], importLeave: ["（不导入）", "(left out)"],
  importFaults: ["{n} 条坏行", "{n} bad rows"], importBadRows: ["下载坏行（附原因）：", "Bad rows with their reasons: "], row: ["行", "Row"], column: ["列", "Column"], fault: ["原因", "Fault"],
  importSample: ["前几行", "First rows"], importPartial: ["跳过 {n} 条坏行或冲突行，导入其余", "Leave {n} rows that are bad or in conflict out, import the others"],
  importNotes: ["请核对", "To be looked at"], importTrouble: ["还不能读：", "Not readable yet: "], importSheet: ["工作表或图层", "Sheet or layer"], importAgain: ["按改动重新检查", "Check again with these changes"],
  importCommit: ["导入 {n} 行", "Import {n} rows"], importDone: ["“{file}”已导入", "{file} is imported"], importMore: ["再导入一个文件", "Another file"],
  field_id: ["编号", "Id"], field_code: ["编码", "Code"], field_name: ["名称", "Name"], field_level: ["级别", "Level"], field_parent: ["上级", "Parent"], field_village: ["所属村", "Village"], field_region: ["所属区划", "Region"],
  field_building: ["楼栋", "Building"], field_stairwell: ["单元（楼道）", "Stairwell"], field_stairwells: ["单元（楼道）", "Stairwells"], field_floor: ["楼层", "Floor"], field_hamlet: ["自然寨", "Hamlet"], field_group: ["村民小组", "Villagers' group"],
  field_persons: ["人口", "Persons"], field_tenure: ["居住性质", "Tenure"], field_eligible: ["候选", "Eligible"], field_households: ["户数", "Households"], field_dedicated: ["专属网格", "Dedicated grid"], field_kind: ["类型", "Kind"], field_hard: ["硬性", "Hard"],
  field_net: ["所属网", "Net"], field_grid: ["网格编码", "Grid"], field_category: ["类别", "Category"], field_dispute: ["纠纷类型", "Dispute"], field_state: ["状态", "State"], field_occurred_at: ["发生时间", "Occurred at"], field_due_at: ["办理时限", "Due at"], field_summary: ["摘要", "Summary"],
  field_role: ["职务", "Role"], field_phone: ["电话", "Telephone"], field_household: ["户号", "Household"], field_elected_on: ["选举日期", "Elected on"], field_valid_from: ["启用日期", "Valid from"], field_valid_to: ["停用日期", "Valid to"], field_row_version: ["行版本", "Row version"],
  field_lon: ["经度", "Longitude"], field_lat: ["纬度", "Latitude"], field_x: ["X（米）", "X (m)"], field_y: ["Y（米）", "Y (m)"], field_geometry: ["几何（WKT）", "Geometry (WKT)"],
  field_address: ["地址", "Address"], field_duty_hours: ["值班时间", "Duty hours"],
  layer_zones: ["功能区", "Zones"], layer_profiles: ["规则", "Profiles"], layer_dictionaries: ["字典", "Dictionaries"], field_townships: ["所辖乡镇", "Townships"], field_title: ["标题", "Title"], field_toml: ["规则内容（TOML）", "Rules (TOML)"],
  field_dictionary: ["字典", "Dictionary"], field_key: ["键", "Key"], field_name_en: ["英文名称", "English name"], field_position: ["序号", "Position"], field_enabled: ["启用", "Enabled"], field_due_hours: ["办理时限(小时)", "Due hours"],
  // proposal
  proposal: ["建议：{what}", "Proposal: {what}"], proposalMoved: ["{n} 户换网格，{u} 户换单元", "{n} households change grid, {u} change unit"], proposalWho: ["换网格的户（图上红圈）：{ids}", "Changing grid (circled on the map): {ids}"],
  before: ["现在", "Now"], after: ["之后", "After"], figure_deviation: ["最大偏差", "Largest deviation"], figure_pp: ["平均紧凑度", "Mean compactness"],
  figure_grids: ["基础网格（个）", "Base grids"], figure_units: ["单元（个）", "Units"], figure_exc: ["例外中的户（户）", "Households in exceptions"],
  // conflict
  conflictTitle: ["别人先改了", "Somebody was faster"],
  conflictWhat: ["{who} 于 {when} 改了 {grids}。", "{who} changed {grids} at {when}."],
  conflictPlan: ["方案已有更新的版本（第 {v} 版）。", "The plan has a newer version ({v})."],
  notStored: ["您的修改没有写入：{what}", "Your edit was not stored: {what}"], conflictBehind: ["其后还有 {n} 处修改，等您决定后再发送。", "{n} later edits wait until you have decided."],
  publishStale: ["方案在您查看之后又被修改，现为第 {v} 版，因此没有发布。新版本已载入，请看过后再发布。", "The plan was changed after you looked at it and is at version {v} now: it was not published. The new version is shown; look at it and publish again."],
  publishOther: ["另一方案已自 {when} 起在此生效，因此没有发布。请与它比较，检查后再发布。", "Another plan is in force here since {when}: this one was not published. Compare the two, check and publish again."],
  conflictTheirs: ["用对方的", "Take theirs"], conflictMine: ["在对方基础上再做一次我的", "Redo mine on top"], conflictLook: ["先看看", "Look first"],
  // trouble
  offline: ["连不上服务。{n} 处修改保留在本页，恢复后只发送一次。", "The service cannot be reached. {n} edits are kept on this page and sent once."],
  retry: ["立即重试", "Try now"], back: ["已恢复连接", "Connected again"],
  failed: ["出错：{why}", "Failed: {why}"], busy: ["正在保存…", "Saving …"], 
  signIn: ["登录", "Sign in"], signInElsewhere: ["统一身份认证登录", "Sign in with the organisation's account"], signOut: ["退出", "Sign out"], user: ["用户名", "Name"], password: ["密码", "Password"], signInWhy: ["请登录后继续，未保存的修改仍在。", "Sign in to go on; unsaved edits are kept."],
  updated: ["方案已被他人更新到版本 {v}", "Somebody brought the plan to version {v}"],
  language: ["English", "中文"], palette: ["配色", "Colours"], palette_calm: ["柔和", "Calm"], palette_strong: ["鲜明", "Strong"], palette_grey: ["灰度", "Grey"],
  help: ["键盘", "Keys"], unassigned: ["未划入", "unassigned"], loadedVillage: ["{name}：{g} 个网格，{h} 户", "{name}: {g} grids, {h} households"],
  skip: ["跳到地图", "Skip to the map"],
} as const satisfies Record<string, readonly [string, string]>;

export type Key = keyof typeof table;
export const keys = Object.keys(table) as Key[];
const at = (lang: Lang): 0 | 1 => lang === "zh" ? 0 : 1;

/** Characters that stand without a space between them: ideographs, their punctuation, full-width forms. */
const WIDE = /[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]/;

/** A sentence in a language. What ends or begins wide needs no space beside wide words. */
export function text(lang: Lang, key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return table[key][at(lang)].replace(/(.?)( ?)\{(\w+)\}( ?)(?=(.?))/gu, (_, before: string, left: string, name: string, right: string, after: string) => {
    const value = String(values[name] ?? ""), wide = (a: string, b: string): boolean => WIDE.test(a) && WIDE.test(b);
    return before + (wide(before, value.slice(0, 1)) ? "" : left) + value + (wide(value.slice(-1), after) ? "" : right);
  });
}
export const isKey = (key: string): key is Key => key in table;
/** Words one after the other, and what stands before an explanation, as the language has them. */
export const listed = (lang: Lang, words: readonly string[]): string => words.join(lang === "zh" ? "、" : ", ");
export const colon = (lang: Lang): string => lang === "zh" ? "：" : ": ";
/** The half of a message of the service (“中文 / English” in every line, or one line each) that the reader wants. */
export function half(lang: Lang, message: string): string {
  const lines = message.split("\n").filter(line => line !== ""), isBoth = lines.length > 1 && lines.every(line => / \/ /.test(line)) && WIDE.test(lines[1]!.trimStart().charAt(0));
  if (lines.length > 1 && !isBoth) return lines[at(lang)]!.trim();
  return lines.map(line => {
    const cut = line.indexOf(" / ");
    return (cut < 0 ? line : lang === "zh" ? line.slice(0, cut) : line.slice(cut + 3)).trim();
  }).join("\n");
}
export const percent = (share: number | null, signed = true): string =>
  share === null || !Number.isFinite(share) ? "—" : `${signed && share > 0 ? "+" : ""}${(share * 100).toFixed(1)}%`.replace("-", "−");
/** Day and minute of a moment, by the office's clock. The browser's own formatters would take longer to load than the rest of the page. */
export function when(lang: Lang, moment: string): string {
  const at = Date.parse(moment);
  if (Number.isNaN(at)) return moment;
  const [, month, day, time] = /-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(new Date(at + 8 * 3_600_000).toISOString()) ?? [];
  return lang === "zh" ? `${month}/${day} ${time}` : `${day}/${month}, ${time}`;
}
/** A number with a thin space between thousands, three decimals at most. */
export function count(n: number): string {
  const [whole = "", part] = String(Math.round(n * 1_000) / 1_000).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, "\u2009") + (part === undefined ? "" : `.${part}`);
}
