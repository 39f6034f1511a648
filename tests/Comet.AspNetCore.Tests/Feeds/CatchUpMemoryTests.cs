using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>Many clients that read history at once. Runs alone, as it measures the process.</summary>
[Trait("Category", "Matrix")]
[Collection(nameof(Alone))]
public class CatchUpMemoryTests
{
    private const int Messages = 800; // of 4 KB, seven of which are a page; in all less than what is kept of pages
    private const int Pages = Messages / 7;
    private const int Clients = 50;

    private readonly ScriptedStore _store = new ScriptedStore().With(Enumerable.Range(0, Messages).Select(i => $"{i}".PadRight(4096)));

    [Theory]
    [InlineData("Direct", 48)]
    [InlineData("Attached", 48)]
    [InlineData("Portable", 160)] // Kestrel keeps 64 KB of its own
    [InlineData("Tls", 128)] // and both ends what they encrypt
    [InlineData("Http2", 160)]
    public async Task Clients_that_do_not_read_hold_the_bytes_on_their_way_and_nothing_of_a_page(string wire, int kilobytes)
    {
        await using var app = await StartAsync(Enum.Parse<Wire>(wire));
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using (var first = await TestStream.OpenAsync(client, "/", CometFormat.Ndjson, "earliest"))
        {
            Assert.Equal(100, (await ReadAsync(first, 100)).Count);
        }
        const int More = 70; // a connection of HTTP/2 has 100 at most
        var stalled = new List<TestStream>();
        await StallAsync(20); // with whom comes what the process needs once
        var before = HeldMemory.Measure();

        await StallAsync(More);

        // A connection of the client and of the server, and a piece in the library and in what is behind it.
        var each = (HeldMemory.Measure() - before) / More;
        Assert.True(each < kilobytes * 1000, $"{each} bytes for each");
        foreach (var stream in stalled)
        {
            await stream.DisposeAsync();
        }
        await app.NoStreamIsOpenAsync();

        async Task StallAsync(int clients)
        {
            stalled.AddRange(await Task.WhenAll(
                Enumerable.Range(0, clients).Select(_ => TestStream.OpenAsync(client, "/", CometFormat.Ndjson, "earliest"))));
            var reads = -1;
            await Eventually.HoldsAsync(
                async () =>
                {
                    (var last, reads) = (reads, _store.Reads);
                    await Task.Delay(200);
                    return last == _store.Reads;
                },
                "all of them wait");
        }
    }

    [Fact]
    public async Task Clients_that_ask_for_the_same_at_once_read_it_together()
    {
        await using var app = await StartAsync(Wire.Direct);
        var begin = new TaskCompletionSource();
        _store.BeforeRead = () => begin.Task;
        var opening = Enumerable.Range(0, Clients).Select(_ => app.OpenAsync("/", CometFormat.Ndjson, "earliest")).ToList();
        await Eventually.HoldsAsync(() => app.OpenStreams == Clients, "all of them wait for the store");

        begin.SetResult();
        var streams = await Task.WhenAll(opening);
        await Task.WhenAll(streams.Select(async stream => Assert.Equal(Messages, (await ReadAsync(stream, Messages)).Count)));

        // Each for itself: 5,700. A page is kept for seconds, so who comes late reads it again.
        Assert.InRange(_store.Reads, Pages, Clients / 3 * Pages);
        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("Direct", CometFormat.ScriptTags)]
    [InlineData("Attached", CometFormat.ScriptTags)]
    [InlineData("Direct", CometFormat.ServerSentEvents)]
    [InlineData("Attached", CometFormat.ServerSentEvents)]
    [InlineData("Direct", CometFormat.Ndjson)]
    [InlineData("Attached", CometFormat.Ndjson)]
    [InlineData("Portable", CometFormat.ScriptTags)]
    [InlineData("Tls", CometFormat.ServerSentEvents)]
    [InlineData("Http2", CometFormat.Ndjson)]
    public async Task A_large_message_is_held_once_however_many_take_it_slowly(string wire, CometFormat format)
    {
        const int Size = HeldMemory.LargeMessage;
        _store.With(["a".PadRight(Size), "b"]);
        await using var app = await StartAsync(Enum.Parse<Wire>(wire), feed => feed.RetainBytes = 4 * Size);
        using var client = app.CreateClient(receiveBuffer: 4096);
        var before = HeldMemory.Measure();

        var stalled = await Task.WhenAll(Enumerable.Range(0, 40).Select(async _ =>
        {
            var stream = await TestStream.OpenAsync(client, "/", format, _store.IdOf(Messages));
            Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
            return stream;
        }));

        await HeldMemory.IsThatOfAFewLargeMessagesAsync(before);
        foreach (var stream in stalled[..2])
        {
            var (large, next) = (await stream.NextAsync(CometMessageKind.Message), await stream.NextAsync(CometMessageKind.Message));
            Assert.Equal(
                ("a", Size, _store.IdOf(Messages + 1)), (large.Value.GetString()!.TrimEnd(), large.Value.GetString()!.Length, large.Id));
            Assert.Equal(("b", _store.IdOf(Messages + 2)), (next.Value.GetString(), next.Id));
        }
        await app.PublishAsync("c");
        Assert.Equal("c", await stalled[0].NextStringAsync());
        foreach (var stream in stalled)
        {
            await stream.DisposeAsync();
        }
    }

    private static async Task<List<CometMessage>> ReadAsync(TestStream stream, int messages)
    {
        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        return await stream.TakeAsync(messages);
    }

    private Task<TestApp> StartAsync(Wire wire, Action<FeedOptions>? feed = null) => NewsApp.StartAsync(
        wire,
        feed,
        configure: builder =>
        {
            builder.Services.AddSingleton<IFeedStore>(_store);
            builder.Configuration["Comet:WriteTimeout"] = "00:10:00";
            builder.Configuration["Comet:Heartbeat"] = "00:10:00";
        });
}
