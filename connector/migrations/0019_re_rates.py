from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0018_admissions")]

    initial = False

    operations = [
        ops.AddField(
            model_name="PublicationRow",
            name="re_rate_from",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
