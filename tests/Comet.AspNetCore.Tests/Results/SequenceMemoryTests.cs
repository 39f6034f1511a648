using System.Runtime.CompilerServices;
using System.Text;
using Comet.AspNetCore.Tests.Feeds;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Comet.AspNetCore.Tests.Results;

/// <summary>A stream keeps nothing of a message that it has sent. Runs alone, as it measures the process.</summary>
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
    public async Task It_does_not_keep_the_memory_of_its_largest_message(string wire, string path)
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/json", () => CometResults.String(LargeOnceAsync(), "parent.f"));
                app.MapGet("/raw", () => CometResults.Raw(LargeOnceAsync().Select(Expression), "parent.f"));
            },
            wire: Enum.Parse<Wire>(wire));
        using (var warm = await ReadAsync(app, path))
        {
        }
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var open = await Task.WhenAll(Enumerable.Range(0, Streams).Select(_ => ReadAsync(app, path)));
        var grown = GC.GetTotalMemory(forceFullCollection: true) - before;

        // What stays is of threads and of the shared pool, arrays of up to 1 MB: their number has nothing to do with that of the streams.
        Assert.True(grown < Streams * Large / 5, $"{grown} bytes are kept for {Streams} streams");
        foreach (var response in open)
        {
            response.Dispose();
        }
    }

    // Reads the large messages, and a little of what follows.
    private static async Task<HttpResponseMessage> ReadAsync(TestApp app, string path)
    {
        var response = await app.GetAsync(path);
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
