using System.Text;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>What comes back from a store is data that others may have written: it is checked and escaped like what is published.</summary>
public class StoredContentTests
{
    private readonly ScriptedStore _store = new();

    public static TheoryData<byte[]> NoJson => new(
        (byte[][])[
        Bytes(" "),
        Bytes("alert(1)"),
        Bytes("</script><script>alert(1)</script>"),
        Bytes("1);alert(1"),
        Bytes("1,alert(1)"),
        Bytes("\"1\" \"2\""),
        Bytes("\"1"),
        Bytes("\"\n\""),
        Bytes("// 1\n1"),
        Bytes("\ufeff1"),
        new byte[] { (byte)'"', 0xC3, (byte)'"' },
        new byte[] { (byte)'"', 0xED, 0xA0, 0x80, (byte)'"' }, // a surrogate
        new byte[] { (byte)'"', 0xC0, 0xBC, (byte)'"' }, // an overlong <
        new byte[] { (byte)'1', 0 },
        ]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task JSON_that_was_stored_raw_is_escaped_before_it_reaches_a_page(bool isOpen)
    {
        const string Text = "</script><script>alert('1')&\u2028\u2029\u00e2";
        await using var app = await StartAsync();
        if (isOpen)
        {
            await app.PublishAsync("first");
        }
        _store.Intrude(Bytes($"[\r\n\"{Text}\"]"));
        await app.PublishAsync("last");

        await using var connection = await app.ConnectAsync("/?lastEventId=earliest");
        var body = string.Concat(await connection.ReadChunksAsync($"{_store.IdOf(isOpen ? 3 : 2)}\");</script>"));

        const string Safe = "[  \"\\u003C/script\\u003E\\u003Cscript\\u003Ealert(\\u00271\\u0027)\\u0026\\u2028\\u2029\u00e2\"]";
        Assert.Contains($"parent.f({Safe},", body);
        Assert.DoesNotContain("alert('1')", body);
        Assert.DoesNotContain(app.Log.Entries, entry => entry.EventId.Name is "EntryRejected");
    }

    [Theory]
    [MemberData(nameof(NoJson))]
    public async Task What_is_no_JSON_is_left_out_told_once_and_counted(byte[] payload)
    {
        await using var app = await StartAsync();
        using var meter = new RecordedMeter(app);
        await app.PublishAsync("1");
        await using var live = await app.OpenAsync("/", lastEventId: _store.IdOf(1));
        await live.NextAsync(CometMessageKind.Open);

        _store.Intrude(payload);
        _store.Intrude(payload);
        await app.PublishAsync("4");
        await using var late = await app.OpenAsync("/?lastEventId=earliest");
        await late.NextAsync(CometMessageKind.Open);

        var message = await live.NextAsync(CometMessageKind.Message);
        Assert.Equal(("4", _store.IdOf(4)), (message.Value.GetString(), message.Id));
        Assert.Equal(["1", "4"], (await late.TakeAsync(2)).Select(message => message.Value.GetString()));
        var warning = Assert.Single(app.Log.Entries, entry => entry.EventId.Name is "EntryRejected");
        Assert.Contains($"entry {2 * ScriptedStore.Step} of feed news", warning.Message);
        Assert.Equal(2, meter.Sum("comet.message.rejected", "comet.feed=news"));
    }

    [Fact]
    public async Task Pages_of_which_nothing_is_accepted_hold_nobody_up()
    {
        const int Bad = 1000; // several pages
        _store.With(10);
        for (var number = 0; number < Bad; number++)
        {
            _store.Intrude(Bytes("no JSON"));
        }
        _store.With(10);
        await using var app = await StartAsync();

        await using var stream = await app.OpenAsync("/", lastEventId: _store.IdOf(5));
        var open = await stream.NextAsync(CometMessageKind.Open);
        var messages = await stream.TakeAsync(15);
        await app.PublishAsync("next");

        Assert.True(open.Recovered);
        Assert.Equal([.. Numbers(6, 10), .. Numbers(1, 10)], messages.Select(message => message.Value.GetString()));
        Assert.Equal("next", await stream.NextStringAsync());
        Assert.Single(app.Log.Entries, entry => entry.EventId.Name is "EntryRejected");
    }

    [Theory]
    [InlineData("</script>")]
    [InlineData("a-1")]
    [InlineData("")]
    [InlineData("\u00fc")]
    [InlineData("01234567890123456789012345678901234567890123456789012345678901234")]
    public async Task An_epoch_that_is_none_gets_a_stand_in_that_stays(string epoch)
    {
        _store.With(2);
        _store.BeginAnew(epoch);
        _store.With(300);
        string? id;
        await using (var app = await StartAsync())
        {
            await using var stream = await app.OpenAsync("/?lastEventId=earliest");
            await stream.NextAsync(CometMessageKind.Open);
            id = (await stream.TakeAsync(100))[^1].Id;
            Assert.True(FeedPosition.TryParse(id, out var position));
            Assert.Equal(100 * ScriptedStore.Step, position.Offset);
            Assert.Equal(position.Epoch, (await app.News().PublishAsync("301")).Epoch);
            Assert.Single(app.Log.Entries, entry => entry.EventId.Name is "EpochReplaced");
        }

        await using var restarted = await StartAsync();
        await using var resumed = await restarted.OpenAsync("/", lastEventId: id);
        Assert.True((await resumed.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal(Numbers(101, 301), (await resumed.TakeAsync(201)).Select(message => message.Value.GetString()));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private Task<TestApp> StartAsync() => NewsApp.StartAsync(configure: builder => builder.Services.AddSingleton<IFeedStore>(_store));
}
