"""The enforcement catalogue (执法事项目录): what may be enforced, and the law that gives the power."""

from typing import Final, NamedTuple


class Item(NamedTuple):
    """One matter of enforcement in both languages; `basis` names law and, where it is one, the article."""

    zh: str
    en: str
    basis: str


ITEMS: Final = {
    "03.003": Item("违规使用燃气瓶查处", "Unlawful gas cylinders", "《城镇燃气管理条例》"),
    "03.004": Item("占压燃气管道查处", "Building over gas pipes", "《城镇燃气管理条例》"),
    "04": Item("道路运输与路政执法", "Roads and transport", "《公路法》《道路运输条例》"),
    "04.004": Item("机动车违法停放查处", "Unlawful parking", "《道路交通安全法》第九十三条"),
    "04.009": Item("擅自挖掘道路查处", "Unlicensed digging in roads", "《城市道路管理条例》"),
    "05": Item("市容环境卫生执法", "Streets and refuse", "《城市市容和环境卫生管理条例》第三十四条"),
    "06": Item("建筑与房屋执法", "Building and housing", "《建筑法》《物业管理条例》"),
    "06.001": Item("违法建设查处", "Unlicensed building", "《城乡规划法》第六十四条"),
    "06.003": Item("施工噪声查处", "Building noise", "《噪声污染防治法》第七十七条"),
    "06.004": Item("工地扬尘查处", "Building dust", "《大气污染防治法》第一百一十五条"),
    "07": Item("生态环境执法", "Environment", "《环境保护法》"),
    "07.001": Item("餐饮油烟查处", "Cooking fumes", "《大气污染防治法》第一百一十八条"),
    "07.002": Item("河道排污查处", "Polluting a river", "《水污染防治法》《河道管理条例》"),
    "07.003": Item("露天焚烧查处", "Open burning", "《大气污染防治法》第一百一十九条"),
    "07.005": Item("社会生活噪声查处", "Noise from life and trade", "《噪声污染防治法》《治安管理处罚法》"),
    "07.006": Item("饮用水水源保护区执法", "Water source protection", "《水污染防治法》"),
    "08": Item("安全生产执法", "Safety at work", "《安全生产法》"),
    "08.002": Item("占用消防通道查处", "Blocking a fire lane", "《消防法》第六十条"),
    "08.007": Item("违规燃放烟花爆竹查处", "Unlawful fireworks", "《烟花爆竹安全管理条例》"),
    "09": Item("治安管理执法", "Public order", "《治安管理处罚法》"),
    "09.002": Item("治安警情处置", "Police matters", "《治安管理处罚法》"),
    "09.003": Item("拖欠工资查处", "Unpaid wages", "《保障农民工工资支付条例》"),
    "09.004": Item("违法占地查处", "Unlawful use of land", "《土地管理法》"),
    "09.005": Item("电信网络诈骗查处", "Fraud", "《反电信网络诈骗法》"),
    "09.006": Item("走失人员查找", "Missing persons", "《人民警察法》"),
    "10.001": Item("传染病防治监督", "Infectious disease", "《传染病防治法》"),
    "10.002": Item("食品安全查处", "Food safety", "《食品安全法》"),
    "10.003": Item("价格与消费查处", "Prices and consumers", "《价格法》《消费者权益保护法》"),
    "10.009": Item("违规养犬查处", "Keeping of dogs", "《动物防疫法》"),
    "11": Item("农业综合执法", "Farming", "《农业法》《农产品质量安全法》"),
    "11.005": Item("畜禽养殖污染查处", "Pollution from livestock", "《畜禽规模养殖污染防治条例》"),
}
"""By category; a family stands for its children."""
