from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0019_re_rates")]

    initial = False

    operations = [
        ops.AddField(
            model_name="MessageRow",
            name="key",
            field=fields.CharField(default="", db_default="", max_length=100),
        ),
    ]
