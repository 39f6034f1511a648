using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace CometBench.Peers;

/// <summary>TypedResults.ServerSentEvents over a channel per connection.</summary>
internal static class ServerSentEventsPeer
{
    internal static void Map(WebApplication app)
    {
        var audience = new Audience();
        app.MapGet("/sub", (CancellationToken cancellation) => TypedResults.ServerSentEvents(Events(audience, cancellation)));
        app.MapControls("/pub", (_, message) =>
        {
            audience.Publish(message);
            return ValueTask.CompletedTask;
        });
    }

    private static async IAsyncEnumerable<SseItem<string>> Events(
        Audience audience, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // The result sends nothing, not even the head, before the first event.
        yield return new SseItem<string>("welcome", "welcome");
        await foreach (var message in audience.ListenAsync(cancellation))
        {
            yield return new SseItem<string>(message);
        }
    }
}
