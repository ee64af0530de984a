from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("perennial", "0019_storefront")]

    initial = False

    operations = [
        ops.AddField(
            model_name="StoreRow",
            name="mail_name",
            field=fields.CharField(null=True, max_length=100),
        ),
        ops.AddField(
            model_name="StoreRow",
            name="reply_to",
            field=fields.CharField(null=True, max_length=320),
        ),
    ]
