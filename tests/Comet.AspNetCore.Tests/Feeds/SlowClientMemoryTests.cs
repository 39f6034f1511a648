using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Comet.AspNetCore.Tests.Feeds;

[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>
/// Clients that do not read are cursors that lag: they cost no more than those that do. Runs alone, as it measures the process.
/// </summary>
[Trait("Category", "Matrix")]
[Collection(nameof(Alone))]
public class SlowClientMemoryTests
{
    private const int Clients = 20;

    [Theory]
    [InlineData("Direct")]
    [InlineData("Attached")]
    [InlineData("Portable")]
    [InlineData("Tls")]
    [InlineData("Http2")]
    public async Task Clients_that_do_not_read_keep_nothing_of_what_is_published(string wire)
    {
        await using var app = await NewsApp.StartAsync(
            Enum.Parse<Wire>(wire),
            feed =>
            {
                feed.Retain = 10;
                feed.WhenSlow = SlowClientPolicy.Skip;
            },
            configure: builder => builder.Configuration["Comet:WriteTimeout"] = "00:10:00");
        using var client = app.CreateClient(receiveBuffer: 4096);
        var stalled = await Task.WhenAll(
            Enumerable.Range(0, Clients).Select(_ => TestStream.OpenAsync(client, "/", CometFormat.Ndjson, null)));
        await using var fast = await app.OpenAsync("/", CometFormat.Ndjson);
        await fast.NextAsync(CometMessageKind.Open);
        await PublishAsync(1);
        var before = HeldMemory.Measure();

        await PublishAsync(100); // until the system takes no more for the stalled
        var stalling = HeldMemory.Measure();
        await PublishAsync(200); // 20 MB, for each of the clients
        var grown = HeldMemory.Measure() - stalling;

        // A write under way, in the library and in what is behind it: two buffers of the power of two above a message.
        // In all there were 400 MB.
        Assert.True(stalling - before < (Clients * 2 * 131_072) + 15_000_000, $"{stalling - before} bytes when they stalled");
        Assert.True(grown < 10_000_000, $"{grown} bytes more"); // less than one copy, and buffers of the connections
        Assert.Equal(Clients + 1, app.OpenStreams);
        foreach (var stream in stalled)
        {
            await stream.DisposeAsync();
        }

        async Task PublishAsync(int messages)
        {
            for (var i = 0; i < messages; i++)
            {
                await app.PublishAsync(new string('x', 100_000));
                await fast.NextAsync(CometMessageKind.Message);
            }
        }
    }

    [Theory]
    [InlineData("Direct", CometFormat.ScriptTags)]
    [InlineData("Attached", CometFormat.ScriptTags)]
    [InlineData("Direct", CometFormat.Ndjson)]
    [InlineData("Attached", CometFormat.Ndjson)]
    [InlineData("Portable", CometFormat.ScriptTags)]
    [InlineData("Tls", CometFormat.ServerSentEvents)]
    [InlineData("Http2", CometFormat.Ndjson)]
    public async Task A_large_message_is_held_once_however_many_take_it_slowly(string wire, CometFormat format)
    {
        const int Size = HeldMemory.LargeMessage;
        const int Messages = 2;
        await using var app = await NewsApp.StartAsync(
            Enum.Parse<Wire>(wire),
            feed => feed.RetainBytes = 4 * Size,
            configure: builder => builder.Configuration["Comet:WriteTimeout"] = "00:10:00");
        using var client = app.CreateClient(receiveBuffer: 4096);
        var stalled = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => TestStream.OpenAsync(client, "/", format, null)));
        foreach (var stream in stalled)
        {
            await stream.NextAsync(CometMessageKind.Open);
        }
        var before = HeldMemory.Measure();

        foreach (var letter in "ab")
        {
            await app.PublishAsync(new string(letter, Size));
        }

        await HeldMemory.IsThatOfAFewLargeMessagesAsync(before);
        foreach (var stream in stalled[..2])
        {
            Assert.Equal(["a", "b"], (await stream.TakeAsync(Messages)).Select(message => message.Value.GetString()![^1..]));
        }
        foreach (var stream in stalled)
        {
            await stream.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Attached")]
    [InlineData("Portable")]
    public async Task It_is_held_once_though_each_of_them_has_other_messages_to_take_before(string wire)
    {
        const int Size = HeldMemory.LargeMessage;
        await using var app = await NewsApp.StartAsync(
            Enum.Parse<Wire>(wire),
            feed => feed.RetainBytes = 4 * Size,
            configure: builder => builder.Configuration["Comet:WriteTimeout"] = "00:10:00");
        using var client = app.CreateClient(receiveBuffer: 4096);
        var numbers = NewsApp.Numbers(1, Clients).ToList();
        var ids = await app.PublishAsync(numbers);
        await app.PublishAsync("large".PadRight(Size), "next");
        var before = HeldMemory.Measure();

        var stalled = await Task.WhenAll(ids.Select(async id =>
        {
            var stream = await TestStream.OpenAsync(client, "/", CometFormat.ScriptTags, id);
            await stream.NextAsync(CometMessageKind.Open);
            return stream;
        }));

        await HeldMemory.IsThatOfAFewLargeMessagesAsync(before);
        for (var i = 0; i < 2; i++)
        {
            var left = numbers[(i + 1)..];
            var received = await stalled[i].TakeAsync(left.Count + 2);
            Assert.Equal([.. left, "large", "next"], received.Select(message => message.Value.GetString()!.TrimEnd()));
        }
        foreach (var stream in stalled)
        {
            await stream.DisposeAsync();
        }
    }
}
