using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Options;

internal sealed class CometOptionsValidator : IValidateOptions<CometOptions>
{
    public ValidateOptionsResult Validate(string? name, CometOptions options)
    {
        string?[] faults =
        [
            CometOptions.PaddingRange.FindFault("Comet:Padding", options.Padding),
            CometOptions.HeartbeatRange.FindFault("Comet:Heartbeat", options.Heartbeat),
            CometOptions.WriteTimeoutRange.FindFault("Comet:WriteTimeout", options.WriteTimeout),
            CometOptions.MaxAgeRange.FindFault("Comet:MaxAge", options.MaxAge),
            CometOptions.LimitRange.FindFault("Comet:MaxBytes", options.MaxBytes),
            CometOptions.ReconnectSpreadRange.FindFault("Comet:ReconnectSpread", options.ReconnectSpread),
            CometOptions.DrainRange.FindFault("Comet:Drain", options.Drain),
            CometOptions.LimitRange.FindFault("Comet:MaxStreams", options.MaxStreams),
            CometOptions.LimitRange.FindFault("Comet:MaxStreamsPerUser", options.MaxStreamsPerUser),
            CometOptions.LimitRange.FindFault("Comet:MaxStreamsPerAddress", options.MaxStreamsPerAddress),
        ];
        return faults.OfType<string>().ToList() is { Count: > 0 } found ? ValidateOptionsResult.Fail(found) : ValidateOptionsResult.Success;
    }
}
