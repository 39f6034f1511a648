using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using Comet.AspNetCore.Tests.Feeds;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Results;

/// <summary>A stream that waits keeps little, and nothing of a message that it has sent. Runs alone, as it measures the process.</summary>
[Collection(nameof(Alone))]
public class SequenceMemoryTests
{
    private const int Streams = 10;
    private const int Large = 4_000_000;

    [Theory]
    [InlineData("Direct", "/json")]
    [InlineData("Direct", "/raw")]
    [InlineData("Portable", "/json")]
    [InlineData("Tls", "/json")]
    [InlineData("Http2", "/json")]
    [InlineData("Direct", "/json", "text/event-stream")]
    [InlineData("Direct", "/json", "application/x-ndjson")]
    [InlineData("Tls", "/json", "application/x-ndjson")]
    public async Task It_does_not_keep_the_memory_of_its_largest_message(string wire, string path, string accept = "text/html")
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/json", () => CometResults.String(LargeOnceAsync(), "parent.f"));
                app.MapGet("/raw", () => CometResults.Raw(LargeOnceAsync().Select(Expression), "parent.f"));
            },
            wire: Enum.Parse<Wire>(wire));
        using (var warm = await ReadAsync(app, path, accept))
        {
        }
        var before = HeldMemory.Measure();

        var open = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => ReadAsync(app, path, accept)));
        var grown = HeldMemory.Measure() - before;

        // What stays is of threads and of the shared pool, arrays of up to 1 MB: their number has nothing to do with that of the streams.
        Assert.True(grown < Streams * Large / 5, $"{grown} bytes are kept for {Streams} streams");
        foreach (var response in open)
        {
            response.Dispose();
        }
    }

    [Fact]
    public async Task A_quiet_sequence_costs_little_more_than_a_quiet_feed()
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/sequence", () => CometResults.String(QuietAsync(), "parent.f"));
                app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            },
            builder => builder.Services.AddFeed<string>("news"),
            Wire.Portable); // where both are the web server's
        await MeasureAsync("/feed");
        await MeasureAsync("/sequence");

        // By turns, as what tests before this one have left to pools is collected during any of them.
        const int Rounds = 5;
        List<long> feeds = [], sequences = [];
        for (var i = 0; i < Rounds; i++)
        {
            feeds.Add(await MeasureAsync("/feed"));
            sequences.Add(await MeasureAsync("/sequence"));
        }
        var (feed, sequence) = (feeds.Order().ElementAt(Rounds / 2), sequences.Order().ElementAt(Rounds / 2));

        Assert.True(sequence - feed < 2_500, $"{string.Join(", ", sequences)} bytes for a sequence, {string.Join(", ", feeds)} for a feed");

        async Task<long> MeasureAsync(string path)
        {
            const int Quiet = 200;
            var before = HeldMemory.Measure();
            var sockets = new List<Socket>(Quiet);
            var request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
            var received = new byte[16 * 1024];
            for (var i = 0; i < Quiet; i++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                await socket.ConnectAsync(app.Url.Host, app.Url.Port).WithPatience();
                await socket.SendAsync(request).WithPatience();
                var length = 0;
                while (!Encoding.ASCII.GetString(received, 0, length).Contains("comet(\"open\""))
                {
                    length += await socket.ReceiveAsync(received.AsMemory(length)).AsTask().WithPatience();
                }
            }
            var each = (HeldMemory.Measure() - before) / Quiet;
            sockets.ForEach(static socket => socket.Dispose());
            await app.NoStreamIsOpenAsync();
            return each;
        }

        static async IAsyncEnumerable<string> QuietAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            yield return "never";
        }
    }

    // Reads the large messages, and a little of what follows.
    private static async Task<HttpResponseMessage> ReadAsync(TestApp app, string path, string accept)
    {
        var response = await app.GetAsync(path, ("Accept", accept));
        Assert.StartsWith(accept, response.Content.Headers.ContentType?.ToString());
        var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[64 * 1024];
        for (var total = 0; total < (2 * Large) + 4000;)
        {
            total += await body.ReadAsync(buffer).AsTask().WithPatience();
        }
        return response;
    }

    private static ReadOnlyMemory<byte> Expression(string text) => Encoding.ASCII.GetBytes($"'{text}'");

    private static async IAsyncEnumerable<string> LargeOnceAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        yield return new string('x', Large);
        yield return new string('y', Large);
        while (true)
        {
            yield return new string('z', 1000);
            await Task.Delay(20, cancellationToken);
        }
    }
}
