"""Labels of served versions: moved after gates, moved back at once."""

from ctrmoe.serving.promotion.promote import PromotionOptions as PromotionOptions
from ctrmoe.serving.promotion.promote import promote as promote
from ctrmoe.serving.promotion.promote import rollback as rollback
from ctrmoe.serving.promotion.server_control import ServerControl as ServerControl
