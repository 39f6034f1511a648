using Microsoft.Extensions.Options;

namespace Comet.AspNetCore;

internal sealed class CometServerOptionsValidator : IValidateOptions<CometServerOptions>
{
    public ValidateOptionsResult Validate(string? name, CometServerOptions options)
    {
        var errors = new List<string>();
        Check(options.Padding is >= 1024 and <= 65_536, $"Comet:Padding is {options.Padding}; it must be 1024 to 65536 bytes.");
        CheckTime("Heartbeat", options.Heartbeat, TimeSpan.FromMilliseconds(250), TimeSpan.FromHours(1));
        CheckTime("WriteTimeout", options.WriteTimeout, TimeSpan.FromMilliseconds(250), TimeSpan.FromHours(1));
        CheckTime("MaxAge", options.MaxAge, TimeSpan.FromSeconds(1), TimeSpan.FromDays(365));
        CheckTime("ReconnectSpread", options.ReconnectSpread, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        CheckTime("Drain", options.Drain, TimeSpan.Zero, TimeSpan.FromHours(1));
        CheckLimit("MaxBytes", options.MaxBytes);
        CheckLimit("MaxStreams", options.MaxStreams);
        CheckLimit("MaxStreamsPerUser", options.MaxStreamsPerUser);
        CheckLimit("MaxStreamsPerAddress", options.MaxStreamsPerAddress);
        CheckLimit("MaxConnectsPerSecond", options.MaxConnectsPerSecond);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void Check(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add(error);
            }
        }

        void CheckTime(string key, TimeSpan? value, TimeSpan least, TimeSpan most) =>
            Check(value is null || (value >= least && value <= most), $"Comet:{key} is {value}; it must be {least} to {most}.");

        void CheckLimit(string key, long? value) =>
            Check(value is null or > 0, $"Comet:{key} is {value}; it must be at least 1, or left out for no limit.");
    }
}
