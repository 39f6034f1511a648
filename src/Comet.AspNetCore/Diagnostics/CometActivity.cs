using System.Diagnostics;

namespace Comet.AspNetCore.Diagnostics;

/// <summary>The activity source <c>Comet.AspNetCore</c>: a span for every publish and for every stream.</summary>
internal static class CometActivity
{
    internal const string SourceName = "Comet.AspNetCore";

    private static readonly ActivitySource Source = new(SourceName);

    internal static Activity? Publish(string feed)
    {
        if (!Source.HasListeners())
        {
            return null;
        }
        var activity = Source.StartActivity($"publish {feed}", ActivityKind.Producer);
        activity?.SetTag("messaging.operation.type", "send").SetTag("messaging.destination.name", feed).SetTag("messaging.system", "comet");
        return activity;
    }

    internal static Activity? Stream(string feed, string format)
    {
        if (!Source.HasListeners())
        {
            return null;
        }
        var activity = Source.StartActivity($"stream {feed}");
        activity?.SetTag("comet.feed", feed).SetTag("comet.format", format);
        return activity;
    }
}
