using Comet.AspNetCore.Testing;

namespace Comet.TestUtilities;

public static class MediaTypes
{
    /// <summary>What a request accepts that wants the format.</summary>
    public static string Of(CometFormat format) => format switch
    {
        CometFormat.ServerSentEvents => "text/event-stream",
        CometFormat.Ndjson => "application/x-ndjson",
        _ => "text/html",
    };
}
